"""Who may send to us, and how much of everything they may use."""

import ipaddress
from dataclasses import dataclass, field

from deeppcos.errors import InvalidInput
from deeppcos.records.dicom_network.peer import OWN_AE_TITLE, DicomPeer, check_ae_title
from deeppcos.records.tls import TlsFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenSettings:
    """A DICOM listener.

    Attributes:
        ae_title: Our title; associations that call another one are refused.
        host: Address to listen on; ``0.0.0.0`` for every one.
        port: TCP port; 0 for any that is free.
        allowed_ae_titles: Titles that may call; empty for any.
        allowed_addresses: Addresses and networks (``10.1.0.0/16``) that may connect; empty for
            any. Others are cut off before a byte is read.
        tls: Certificates for encrypted connections; None for plain ones.
        most_associations: How many at the same time; the next is told to come later.
        most_from_one_address: How many connections one address may hold.
        idle_s: An association nothing happens on is ended after this, seconds.
        unit_s: A peer must send a message unit (up to 128 KiB), or shake hands, within this,
            seconds.
        instance_s: A peer must send an instance within this, seconds.
        unstated_character_set: What senders write names in that state no Specific Character Set,
            such as ``ISO_IR 148``; empty leaves names beyond ASCII unknown.
        commitment_peers: Where to report storage commitments to, when the asker has hung up.
    """

    ae_title: str = OWN_AE_TITLE
    host: str = "0.0.0.0"
    port: int = 11112
    allowed_ae_titles: tuple[str, ...] = ()
    allowed_addresses: tuple[str, ...] = ()
    tls: TlsFiles | None = None
    most_associations: int = 16
    most_from_one_address: int = 8
    idle_s: float = 60.0
    unit_s: float = 30.0
    instance_s: float = 600.0
    unstated_character_set: str = ""
    commitment_peers: tuple[DicomPeer, ...] = field(default=())

    def __post_init__(self) -> None:
        for title in (self.ae_title, *self.allowed_ae_titles):
            check_ae_title(title)
        _networks(self.allowed_addresses)
        positive = (self.most_associations, self.most_from_one_address, self.idle_s, self.unit_s)
        if not 0 <= self.port <= 65535 or min(*positive, self.instance_s) <= 0:
            raise InvalidInput(
                "a limit of the listener is out of range",
                accepted="a port from 0 to 65535, and limits above 0",
                remedy="correct the settings",
            )

    def allows(self, address: str) -> bool:
        """Whether an address may connect.

        Examples:
            >>> ListenSettings(allowed_addresses=("10.1.0.0/16",)).allows("10.1.2.3")
            True
            >>> ListenSettings(allowed_addresses=("10.1.0.0/16",)).allows("10.2.0.1")
            False
        """
        if not self.allowed_addresses:
            return True
        one = ipaddress.ip_address(address.partition("%")[0])
        one = getattr(one, "ipv4_mapped", None) or one
        return any(one in network for network in _networks(self.allowed_addresses))


def _networks(
    addresses: tuple[str, ...],
) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    try:
        return [ipaddress.ip_network(address, strict=False) for address in addresses]
    except ValueError as error:
        raise InvalidInput(
            "an allowed address is none",
            value=str(error),
            accepted="addresses such as 10.1.2.3, networks such as 10.1.0.0/16",
            remedy="correct the settings",
        ) from error
