"""Whether the hospital's own sign-in can work: the provider answers, and its groups lead somewhere.

Owns what the doctor says of OpenID Connect. Signing in is the business of ``accounts.provider``.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings

from deeppcos.app.web.upkeep.checks import Check, fine, look, wrong

WHAT = "hospital sign-in"
MAPPING = "hospital groups"
ANSWER_SECONDS = 10
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


def provider_checks() -> Iterator[Check]:
    """What the settings say, and what the provider answers."""
    if not settings.OIDC_ISSUER:
        if settings.OIDC_ROLES:
            yield look(
                MAPPING,
                "DEEPPCOS_OIDC_ROLES is set, but no provider",
                "set DEEPPCOS_OIDC_ISSUER, or remove DEEPPCOS_OIDC_ROLES",
            )
        return
    if not settings.OIDC_ROLES:
        yield wrong(
            MAPPING,
            "no group of the provider gives a role here, so nobody can sign in through it",
            "set DEEPPCOS_OIDC_ROLES, such as gyn-doctors=clinician@riverside",
        )
    yield from _answer()


def provider_sites() -> Iterator[Check]:
    """Whether every site that a group leads to exists."""
    from deeppcos.app.web.models import Site

    if not settings.OIDC_ISSUER or not settings.OIDC_ROLES:
        return
    known = set(Site.objects.values_list("slug", flat=True))
    lost = sorted({f"{group} ({role} at {site})" for group, role, site in settings.OIDC_ROLES
                   if site not in known})  # fmt: skip
    if lost:
        yield wrong(
            MAPPING,
            f"these lead to a site that does not exist: {', '.join(lost)}",
            f"correct DEEPPCOS_OIDC_ROLES; the sites here are {', '.join(sorted(known)) or 'none'}",
        )
    else:
        groups = len({group for group, _role, _site in settings.OIDC_ROLES})
        yield fine(MAPPING, f"{groups} group{'s' if groups > 1 else ''}, every site exists")


def _answer() -> Iterator[Check]:
    """What the provider says of itself, and whether its keys are there."""
    address = f"{settings.OIDC_ISSUER.rstrip('/')}/.well-known/openid-configuration"
    said, problem = _asked(address)
    if said is None:
        yield wrong(
            WHAT,
            f"{address} {problem}",
            "check DEEPPCOS_OIDC_ISSUER, the network and the provider's certificate; people with a "
            "password of their own here can still sign in",
        )
        return
    faults = list(_faults(said))
    yield from faults
    if not faults:
        yield fine(WHAT, f"{settings.OIDC_ISSUER} answers")
    yield from _doubts(said)


def _faults(said: Mapping[str, Any]) -> Iterator[Check]:
    """What makes signing in impossible."""
    if said.get("issuer") != settings.OIDC_ISSUER:
        yield wrong(
            WHAT,
            f"the provider calls itself {str(said.get('issuer'))[:200]}",
            "set DEEPPCOS_OIDC_ISSUER to exactly that, to the last stroke",
        )
    missing = [name for name in NEEDED if not said.get(name)]
    if missing:
        yield wrong(
            WHAT,
            f"the provider does not say its {', '.join(missing)}",
            "ask its administrator whether OpenID Connect is switched on",
        )
        return
    keys, problem = _asked(str(said["jwks_uri"]))
    if keys is None or not keys.get("keys"):
        yield wrong(
            WHAT,
            f"its keys cannot be fetched: {said['jwks_uri']} {problem or 'holds none'}",
            "signatures cannot be checked without them; ask its administrator",
        )


def _doubts(said: Mapping[str, Any]) -> Iterator[Check]:
    """What may make it fail for some, as far as the provider tells."""
    claim, claims = settings.OIDC_GROUPS_CLAIM, said.get("claims_supported")
    if isinstance(claims, list) and claim not in claims:
        yield look(
            MAPPING,
            f"the provider does not list the claim {claim} among those it sends",
            "have it send each person's groups to this application, or name the claim it does "
            "send in DEEPPCOS_OIDC_GROUPS_CLAIM; without it nobody gets a role",
        )
    ways = said.get("code_challenge_methods_supported")
    if isinstance(ways, list) and "S256" not in ways:
        yield look(
            WHAT,
            "the provider does not say that it knows PKCE with S256, which is always used here",
            "ask its administrator to switch it on",
        )


def _asked(address: str) -> tuple[dict[str, Any] | None, str]:
    """The JSON at an address, or why there is none."""
    import requests

    try:
        answer = requests.get(address, timeout=ANSWER_SECONDS)
        answer.raise_for_status()
        content = answer.json()
    except requests.exceptions.SSLError:
        return None, "has a certificate that is not trusted here"
    except requests.exceptions.Timeout:
        return None, f"does not answer within {ANSWER_SECONDS} s"
    except requests.exceptions.HTTPError as problem:
        status = problem.response.status_code if problem.response is not None else "an error"
        return None, f"answers {status}"
    except requests.exceptions.JSONDecodeError:
        return None, "does not answer with JSON"
    except requests.exceptions.RequestException as problem:
        return None, f"cannot be reached ({type(problem).__name__})"
    return (content, "") if isinstance(content, dict) else (None, "does not answer with an object")
