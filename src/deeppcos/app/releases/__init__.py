"""Which release is served, who agreed to it, and the way back.

``shelf`` keeps complete, verified releases and one pointer; ``approvals`` the names of people who
agreed to one gate report; ``promotion`` the conditions under which the pointer moves; ``history``
an account of every move that cannot be changed unseen. No Django, no torch.
"""
