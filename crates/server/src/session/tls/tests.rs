//! Handshakes in memory, against rustls' own client.

use super::*;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use std::path::Path;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_rustls::TlsConnector;

type Client = tokio_rustls::client::TlsStream<DuplexStream>;
type Server = tokio_rustls::server::TlsStream<DuplexStream>;

fn config(data: &Path) -> Config {
    Config::with_defaults("mx1.example.com", "example.com", data)
}

/// A self-signed certificate for the names, in files.
fn certificate(dir: &Path, file: &str, names: &[&str]) -> Certificate {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let made = CertificateParams::new(names)
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let files = Certificate {
        cert: dir.join(format!("{file}.pem")),
        key: dir.join(format!("{file}.key")),
    };
    std::fs::write(&files.cert, made.pem()).unwrap();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    files
}

fn trusting(ca: &Path, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(rustls::pki_types::CertificateDer::from_pem_file(ca).unwrap())
        .unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    Arc::new(
        builder
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

async fn handshake(
    tls: &Tls,
    client: Arc<ClientConfig>,
    name: &'static str,
) -> io::Result<(Client, Server, TlsFacts)> {
    let (ours, theirs) = tokio::io::duplex(65_536);
    let name = ServerName::try_from(name).unwrap();
    let acceptor = tls.acceptor();
    let (client, server) = tokio::join!(
        TlsConnector::from(client).connect(name, theirs),
        acceptor.accept(ours)
    );
    let (server, facts) = server?;
    Ok((client?, server, facts))
}

/// The first name in the certificate that the server shows for an SNI name.
async fn served(tls: &Tls, sni: &str) -> String {
    let (ours, theirs) = tokio::io::duplex(65_536);
    let (acceptor, connector) = (tls.acceptor(), tls.connector(Verify::Nothing).unwrap());
    let (client, server) = tokio::join!(connector.connect(sni, theirs), acceptor.accept(ours));
    server.unwrap();
    let (client, _) = client.unwrap();
    let chain = client.get_ref().1.peer_certificates().unwrap();
    certificates::names_and_expiry(&chain[0]).unwrap().0[0].clone()
}

#[tokio::test]
async fn the_local_ca_serves_who_trusts_it() {
    let data = tempfile::tempdir().unwrap();
    let tls = Tls::load(&config(data.path())).unwrap();
    let trusting = trusting(&data.path().join("tls/ca.pem"), &rustls::version::TLS13);
    for name in [
        "mx1.example.com",
        "example.com",
        "localhost",
        "127.0.0.1",
        "::1",
    ] {
        handshake(&tls, Arc::clone(&trusting), name).await.unwrap();
    }
    assert!(handshake(&tls, trusting, "other.example").await.is_err());
}

/// L15
#[test]
fn l15_keys_of_the_local_ca_are_secret() {
    use std::os::unix::fs::PermissionsExt as _;
    let data = tempfile::tempdir().unwrap();
    Tls::load(&config(data.path())).unwrap();
    let mode = |name: &str| {
        std::fs::metadata(data.path().join("tls").join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(
        [
            mode("ca.key"),
            mode("server.key"),
            mode("ca.pem"),
            mode("server.pem")
        ],
        [0o400, 0o400, 0o444, 0o444]
    );
}

/// L5: renewed a month early with the same key; the CA stays.
#[test]
fn l05_the_local_certificate_is_renewed() {
    let data = tempfile::tempdir().unwrap();
    let read = |name: &str| std::fs::read(data.path().join("tls").join(name)).unwrap();
    let all = || ["ca.pem", "server.key", "server.pem"].map(read);
    let names = ["mx1.example.com", "127.0.0.1"];
    let now = Timestamp::now();
    let ensure = |days: i64, names: &[&str]| {
        local::ensure(
            data.path(),
            names,
            now + jiff::SignedDuration::from_hours(24 * days),
        )
        .unwrap()
    };
    ensure(0, &names);
    let first = all();
    ensure(300, &names);
    assert_eq!(all(), first);
    ensure(340, &names);
    let renewed = all();
    assert_eq!(renewed[..2], first[..2]);
    assert_ne!(renewed[2], first[2]);
    ensure(340, &["mx1.example.com", "example.net"]);
    assert_ne!(all()[2], renewed[2]);
}

/// Y2, L11
#[tokio::test]
async fn l11_tls_12_and_13_with_the_hybrid_exchange() {
    let data = tempfile::tempdir().unwrap();
    let tls = Tls::load(&config(data.path())).unwrap();
    let ca = data.path().join("tls/ca.pem");
    let (client, _, facts) = handshake(&tls, trusting(&ca, &rustls::version::TLS13), "localhost")
        .await
        .unwrap();
    assert_eq!(
        (facts.version, facts.server_name.as_deref()),
        ("TLSv1.3", Some("localhost"))
    );
    assert!(
        facts.cipher.starts_with("TLS_") && facts.cipher.contains("_256_"),
        "{}",
        facts.cipher
    );
    let group = client
        .get_ref()
        .1
        .negotiated_key_exchange_group()
        .unwrap()
        .name();
    assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
    let (_, _, facts) = handshake(&tls, trusting(&ca, &rustls::version::TLS12), "localhost")
        .await
        .unwrap();
    assert_eq!(facts.version, "TLSv1.2");
    assert!(facts.cipher.starts_with("TLS_ECDHE_"), "{}", facts.cipher);
}

/// RFC 9266: both ends compute the same binding.
#[tokio::test]
async fn the_exporter_is_the_clients() {
    let data = tempfile::tempdir().unwrap();
    let tls = Tls::load(&config(data.path())).unwrap();
    let ca = data.path().join("tls/ca.pem");
    let client = trusting(&ca, &rustls::version::TLS13);
    let (client, _, facts) = handshake(&tls, client, "localhost").await.unwrap();
    let connection = client.get_ref().1;
    let theirs = connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b""));
    assert_eq!(facts.exporter, Some(theirs.unwrap()));
    let old = trusting(&ca, &rustls::version::TLS12);
    let (_, _, facts) = handshake(&tls, old, "localhost").await.unwrap();
    assert_eq!(facts.exporter, None);
}

/// L8, L9, L10
#[tokio::test]
async fn l09_the_certificate_follows_the_name() {
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path());
    config.tls.certificates = vec![
        certificate(data.path(), "first", &["mx1.example.com"]),
        certificate(
            data.path(),
            "second",
            &["mail.example.net", "smtp.example.net"],
        ),
        certificate(data.path(), "wild", &["*.example.org"]),
    ];
    let tls = Tls::load(&config).unwrap();
    for (sni, expected) in [
        ("mx1.example.com", "mx1.example.com"),
        ("smtp.example.net", "mail.example.net"),
        ("SMTP.Example.Net", "mail.example.net"),
        ("any.example.org", "*.example.org"),
        ("a.b.example.org", "mx1.example.com"),
        ("example.org", "mx1.example.com"),
        ("unknown.example", "mx1.example.com"),
        ("192.0.2.1", "mx1.example.com"),
    ] {
        assert_eq!(served(&tls, sni).await, expected, "{sni}");
    }
}

/// L6
#[tokio::test]
async fn l06_a_reload_drops_no_session_and_a_bad_one_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path());
    config.tls.certificates = vec![certificate(data.path(), "one", &["old.example"])];
    let tls = Tls::load(&config).unwrap();
    let before = trusting(&config.tls.certificates[0].cert, &rustls::version::TLS13);
    let (mut client, mut server, _) = handshake(&tls, before, "old.example").await.unwrap();

    config.tls.certificates = vec![certificate(data.path(), "one", &["new.example"])];
    tls.reload(&config).unwrap();
    assert_eq!(served(&tls, "old.example").await, "new.example");

    client.write_all(b"still here").await.unwrap();
    client.flush().await.unwrap();
    let mut octets = [0; 10];
    server.read_exact(&mut octets).await.unwrap();
    assert_eq!(&octets, b"still here");

    std::fs::write(&config.tls.certificates[0].cert, "nonsense").unwrap();
    let error = tls.reload(&config).unwrap_err();
    assert!(error.to_string().contains("one.pem"), "{error}");
    assert_eq!(served(&tls, "old.example").await, "new.example");
}

#[test]
fn files_that_do_not_fit_are_named() {
    let data = tempfile::tempdir().unwrap();
    let (one, two) = (
        certificate(data.path(), "one", &["a.example"]),
        certificate(data.path(), "two", &["b.example"]),
    );
    let error = |cert: &Path, key: &Path| {
        let mut config = config(data.path());
        config.tls.certificates = vec![Certificate {
            cert: cert.into(),
            key: key.into(),
        }];
        Tls::load(&config).err().unwrap().to_string()
    };
    assert!(error(&one.cert, &two.key).contains("does not belong to"));
    assert!(error(&data.path().join("missing.pem"), &one.key).contains("missing.pem"));
    assert!(error(&one.key, &one.key).contains("no certificate"));
    assert!(error(&one.cert, &one.cert).contains("one.pem"));
}

/// A client that says nothing is cut off.
#[tokio::test(start_paused = true)]
async fn a_silent_client_is_cut_off() {
    let data = tempfile::tempdir().unwrap();
    let tls = Tls::load(&config(data.path())).unwrap();
    let (ours, _theirs) = tokio::io::duplex(1024);
    let error = tls.acceptor().accept(ours).await.err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn outbound_verification_uses_the_extra_roots() {
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path());
    Tls::load(&config).unwrap();
    config.tls.extra_roots = Some(data.path().join("tls/ca.pem"));
    let tls = Tls::load(&config).unwrap();
    for (name, verified) in [("mx1.example.com", true), ("other.example", false)] {
        let (ours, theirs) = tokio::io::duplex(65_536);
        let (acceptor, connector) = (tls.acceptor(), tls.connector(Verify::Roots).unwrap());
        let (client, _) = tokio::join!(connector.connect(name, theirs), acceptor.accept(ours));
        assert_eq!(client.is_ok(), verified, "{name}");
    }
}
