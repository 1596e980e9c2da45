"""The same training at many sites: pictures stay, weights travel.

``agreement`` is what all sites must share before the first round, ``keys`` proves who a site is,
``site`` trains at one hospital, ``coordinator`` joins the weights, ``dry_run`` checks a site before
it counts. Rounds, transport and robust means are those of Flower (decision 0017); only the
modules that speak with it import it.
"""
