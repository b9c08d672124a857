"""A certificate authority for one run, for its sandboxes and the vault's hosts.

Its key is made in memory and never written; its certificate says itself for which hosts it may
speak, so no program inside can be fooled about another one.
"""

import os
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from docmill.egress.hosts import HostRule, literal

_DAYS = timedelta(days=30)
"""No run takes longer."""


class RunAuthority:
    """Makes certificates for the hosts of a vault."""

    def __init__(self, hosts: Sequence[HostRule]) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "docmill run authority")])
        self._certificate = self._own(hosts)
        self._contexts: dict[str, ssl.SSLContext] = {}

    @property
    def certificate(self) -> bytes:
        """Its certificate in PEM, for the sandboxes."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def context(self, host: str) -> ssl.SSLContext:
        """What a TLS server needs to be taken for `host` by programs that trust the authority."""
        if host not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.set_alpn_protocols(["http/1.1"])
            _load(context, self._leaf(host), self._leaf_key)
            self._contexts[host] = context
        return self._contexts[host]

    def _own(self, hosts: Sequence[HostRule]) -> x509.Certificate:
        constraints = x509.NameConstraints([*dict.fromkeys(map(_constraint, hosts))], None)
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        return (
            self._builder(self._key.public_key(), self._name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(constraints, critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def _leaf(self, host: str) -> bytes:
        address = literal(host)
        alternative = x509.IPAddress(address) if address else x509.DNSName(host)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "docmill broker")])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            self._builder(self._leaf_key.public_key(), name)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)

    def _builder(self, key: ec.EllipticCurvePublicKey, name: x509.Name) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + _DAYS)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )


def _constraint(rule: HostRule) -> x509.GeneralName:
    address = literal(rule.host)
    return x509.IPAddress(ip_network(address)) if address else x509.DNSName(rule.host)


def _load(context: ssl.SSLContext, certificate: bytes, key: ec.EllipticCurvePrivateKey) -> None:
    """Hand over certificate and key; `ssl` takes files only, so this one is in memory."""
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with os.fdopen(os.memfd_create("docmill"), "wb", buffering=0) as file:
        file.write(certificate + private)
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
