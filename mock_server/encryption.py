"""TLS of a server: its own certificate, and whose certificates it accepts from callers."""

from __future__ import annotations

import os
import ssl

Paths = tuple[str | os.PathLike[str], str | os.PathLike[str]]


def tls_context(tls: Paths | None, client_ca: str | os.PathLike[str] | None) -> ssl.SSLContext | None:
    """Return what the sockets encrypt with, ``None`` for nothing.

    ``tls`` are the files of the certificate and of its key.  Certificates of callers are asked for, not demanded, if
    ``client_ca`` is the file of who signs them; raises ``OSError`` or ``ValueError`` for files that are of no use.
    """
    if tls is None:
        if client_ca is not None:
            raise ValueError("client_ca needs tls: only encrypted connections have certificates")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context
