"""The certificate authority and TLS, by real handshakes."""

import ipaddress
import ssl
import stat

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from hedgerow.errors import ConfigError
from hedgerow.server.security import certificates, tls


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deployment")
    for party in ("coordinator", "helper"):
        certificates.create(folder, party, ["shop.example", "10.0.0.7"])
    certificates.issue_client(folder, "ward-3")
    return folder


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """Another deployment."""
    folder = tmp_path_factory.mktemp("stranger")
    certificates.create(folder, "coordinator")
    certificates.issue_client(folder, "ward-3")
    return folder


def handshake(server, client, name="localhost"):
    """Let two contexts talk until both agree; return the version, and the caller's certificate."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname=name),
    ]
    waiting = list(ends)
    for _ in range(10):
        for end in list(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                continue
    assert not waiting
    ends[1].write(b"hello")
    assert ends[0].read(5) == b"hello"
    return ends[0].version(), ends[0].getpeercert()


def server(folder, clients=tls.Clients.ANYONE, party="coordinator"):
    own = folder / party
    return tls.server_context(
        own / "tls.pem", own / "tls.key", authority=folder / "coordinator/ca.pem", clients=clients
    )


def silo(folder, name="ward-3"):
    own = folder / "clients" / name
    return tls.client_context(own / "ca.pem", certificate=own / "tls.pem", key=own / "tls.key")


def anyone(folder, party="coordinator"):
    return tls.client_context(folder / party / "ca.pem")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "shop.example", "10.0.0.7"])
@pytest.mark.parametrize("party", ["coordinator", "helper"])
def test_servers_are_known_by_their_names(folder, party, name):
    assert handshake(server(folder, party=party), anyone(folder, party), name)[0] == "TLSv1.3"


@pytest.mark.parametrize("name", ["other.example", "10.0.0.8"])
def test_another_name_is_refused(folder, name):
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server(folder), anyone(folder), name)


def test_older_versions_are_refused_by_both_ends(folder):
    old_client = ssl.create_default_context(cafile=folder / "coordinator/ca.pem")
    old_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old_server.load_cert_chain(folder / "coordinator/tls.pem", folder / "coordinator/tls.key")
    for old in (old_client, old_server):
        old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(old_server, old_client)[0] == "TLSv1.2"
    with pytest.raises(ssl.SSLError, match="unsupported protocol"):
        handshake(server(folder), old_client)
    with pytest.raises(ssl.SSLError, match="unsupported protocol"):
        handshake(old_server, anyone(folder))


def test_a_server_of_another_authority_is_refused(folder, stranger):
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server(stranger), anyone(folder))


@pytest.mark.parametrize("clients", [tls.Clients.KNOWN, tls.Clients.KNOWN_OR_ANYONE])
def test_a_silo_shows_its_certificate(folder, clients):
    version, shown = handshake(server(folder, clients), silo(folder))
    assert version == "TLSv1.3"
    assert shown["subjectAltName"] == (("URI", "urn:hedgerow:client:ward-3"),)


def test_whether_a_certificate_is_needed_is_the_servers_choice(folder):
    assert handshake(server(folder, tls.Clients.KNOWN_OR_ANYONE), anyone(folder))
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate"):
        handshake(server(folder, tls.Clients.KNOWN), anyone(folder))


@pytest.mark.parametrize("clients", [tls.Clients.KNOWN, tls.Clients.KNOWN_OR_ANYONE])
def test_a_certificate_of_another_authority_is_refused(folder, stranger, clients):
    own = stranger / "clients/ward-3"
    caller = tls.client_context(
        folder / "coordinator/ca.pem", certificate=own / "tls.pem", key=own / "tls.key"
    )
    with pytest.raises(ssl.SSLError):
        handshake(server(folder, clients), caller)


def test_a_silo_cannot_pass_for_a_server(folder):
    own = folder / "clients/ward-3"
    pretender = tls.server_context(own / "tls.pem", own / "tls.key")
    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        handshake(pretender, anyone(folder))


def test_a_silo_cannot_sign_certificates(folder, tmp_path):
    own = folder / "clients/ward-3"
    forged = tmp_path / "coordinator"
    forged.mkdir()
    (forged / certificates.CA_KEY).write_bytes((own / "tls.key").read_bytes())
    (forged / certificates.CA).write_bytes((own / "tls.pem").read_bytes())
    child = certificates.issue_client(tmp_path, "ward-4")
    chain = child / "chain.pem"
    chain.write_bytes((child / "tls.pem").read_bytes() + (own / "tls.pem").read_bytes())
    caller = tls.client_context(
        folder / "coordinator/ca.pem", certificate=chain, key=child / "tls.key"
    )
    with pytest.raises(ssl.SSLError):
        handshake(server(folder, tls.Clients.KNOWN), caller)


def test_one_party_s_authority_vouches_for_no_other_party(folder):
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server(folder, party="helper"), anyone(folder))
    text = (folder / "helper/ca.pem").read_text()
    assert handshake(server(folder, party="helper"), tls.client_context(text))


def test_certificates_say_what_they_are_for(folder):
    own = x509.load_pem_x509_certificate((folder / "coordinator/tls.pem").read_bytes())
    assert isinstance(own.public_key().curve, ec.SECP256R1)
    names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "shop.example"]
    assert ipaddress.ip_address("::1") in names.get_values_for_type(x509.IPAddress)
    silo = x509.load_pem_x509_certificate((folder / "clients/ward-3/tls.pem").read_bytes())
    uses = silo.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_certificates_are_valid_for_as_long_as_said(tmp_path):
    certificates.create(tmp_path, "coordinator", clock=lambda: 1_700_000_000.0)
    made = x509.load_pem_x509_certificate((tmp_path / "coordinator/tls.pem").read_bytes())
    assert made.not_valid_after_utc.timestamp() == 1_700_000_000 + 397 * 86400
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(server(tmp_path), anyone(tmp_path))


def test_keys_are_for_their_owner_alone(folder):
    for path in folder.rglob("*.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_is_overwritten(folder):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match="not overwritten"):
        certificates.create(folder, "coordinator")
    with pytest.raises(ConfigError, match="already"):
        certificates.issue_client(folder, "ward-3")
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "-a", "a" * 64, "a\n"])
def test_names_of_silos_are_names_of_folders(folder, name):
    with pytest.raises(ConfigError, match="lower-case"):
        certificates.issue_client(folder, name)


@pytest.mark.parametrize(
    "name", ["", "https://a.example", "a.example:443", "a_b", "a..b", "*.example", "a\n"]
)
def test_what_is_no_host_is_refused(tmp_path, name):
    with pytest.raises(ConfigError, match="host"):
        certificates.create(tmp_path, "coordinator", [name])
    assert not any(tmp_path.iterdir())


def test_files_that_cannot_be_used_are_one_sentence(folder, tmp_path):
    own = folder / "coordinator"
    with pytest.raises(ConfigError, match="belong together"):
        tls.server_context(own / "tls.pem", folder / "helper/tls.key")
    with pytest.raises(ConfigError, match="belong together"):
        tls.server_context(tmp_path / "none", own / "tls.key")
    with pytest.raises(ConfigError, match="name the authority"):
        tls.server_context(own / "tls.pem", own / "tls.key", clients=tls.Clients.KNOWN)
    with pytest.raises(ConfigError, match="cannot be read"):
        tls.client_context(own / "tls.key")
    with pytest.raises(ConfigError, match="name both"):
        tls.client_context(certificate=own / "tls.pem")
    with pytest.raises(ConfigError, match="cannot be read"):
        certificates.issue_client(tmp_path, "a")


def test_the_systems_authorities_are_trusted_by_default(folder):
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server(folder), tls.client_context())
