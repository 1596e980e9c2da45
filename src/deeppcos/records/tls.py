"""Certificates and keys of an encrypted connection, as files.

Owns the check that the files fit together and the contexts made of them, for every protocol. It
opens no connection.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from deeppcos.errors import InvalidInput

OLDEST_VERSION = ssl.TLSVersion.TLSv1_2


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Files of one end of an encrypted connection, in PEM.

    Attributes:
        ca_file: Authorities whose certificates the other end may show. As a client, None means
            those of the operating system; as a server, that clients need no certificate.
        certificate_file: Our own certificate; a server must have one.
        key_file: Its private key, without a pass phrase; None when it is in the same file.
    """

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def client_context(self) -> ssl.SSLContext:
        """What a client of ours wraps its connection in.

        Returns:
            A context that checks the server's certificate and name, TLS 1.2 or newer.

        Raises:
            InvalidInput: If a file is missing, unreadable or does not fit the others.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ValueError) as error:
            raise _unusable(self.ca_file, error) from error
        context.minimum_version = OLDEST_VERSION
        if self.certificate_file is not None:
            self._show_certificate(context)
        return context

    def server_context(self) -> ssl.SSLContext:
        """What a server of ours wraps its connections in.

        Returns:
            A context with our certificate, TLS 1.2 or newer. Clients must show a certificate of
            ``ca_file`` when there is one.

        Raises:
            InvalidInput: If there is no certificate, or a file is missing, unreadable or does not
                fit the others.
        """
        if self.certificate_file is None:
            raise InvalidInput(
                "an encrypted listener has no certificate",
                accepted="certificate_file and key_file in PEM",
                remedy="give both, or listen without TLS",
            )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = OLDEST_VERSION
        self._show_certificate(context)
        if self.ca_file is not None:
            try:
                context.load_verify_locations(cafile=self.ca_file)
            except (OSError, ValueError) as error:
                raise _unusable(self.ca_file, error) from error
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _show_certificate(self, context: ssl.SSLContext) -> None:
        try:
            # Without a pass phrase given here, OpenSSL would ask for one on the terminal.
            context.load_cert_chain(str(self.certificate_file), self.key_file, password=lambda: "")
        except (OSError, ValueError) as error:
            raise _unusable(self.certificate_file, error) from error


def _unusable(path: Path | None, error: Exception) -> InvalidInput:
    return InvalidInput(
        f"the TLS file {path} cannot be used",
        value=str(error),
        accepted="certificates in PEM, and the private key that belongs to ours",
        remedy="correct the file or its path",
    )
