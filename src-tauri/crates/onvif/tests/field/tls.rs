//! Certificates: the first one is remembered, and another one is a question for a person.

use std::sync::{Arc, Mutex};

use hausrecht_onvif::{Camera, CertificatePin, Credentials, Error, Settings};
use tokio_rustls::{TlsAcceptor, rustls};
use url::Url;

use crate::stand_in::{Asked, StandIn, challenge};

const ONE: (&[u8], &[u8]) =
    (include_bytes!("certificates/one.der"), include_bytes!("certificates/one.key.der"));
const TWO: (&[u8], &[u8]) =
    (include_bytes!("certificates/two.der"), include_bytes!("certificates/two.key.der"));

/// TLS in front of a camera.
pub(crate) struct Front {
    pub(crate) address: Url,
    config: Arc<Mutex<Arc<rustls::ServerConfig>>>,
}

fn config((certificate, key): (&'static [u8], &'static [u8])) -> Arc<rustls::ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key).unwrap();
    Arc::new(builder.with_single_cert(vec![certificate.into()], key).unwrap())
}

impl Front {
    pub(crate) async fn start(stand_in: &StandIn) -> Self {
        let behind = stand_in.address.socket_addrs(|| None).unwrap()[0];
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let current = Arc::new(Mutex::new(config(ONE)));
        let shown = Arc::clone(&current);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let acceptor = TlsAcceptor::from(Arc::clone(&shown.lock().unwrap()));
                tokio::spawn(async move {
                    // A client that turns away is what these tests are about.
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    let mut camera = tokio::net::TcpStream::connect(behind).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut camera).await;
                });
            }
        });
        let address = Url::parse(&format!("https://127.0.0.1:{port}/onvif/device_service")).unwrap();
        Self { address, config: current }
    }

    fn show_another_certificate(&self) {
        *self.config.lock().unwrap() = config(TWO);
    }
}

async fn connect(address: &Url, settings: Settings) -> Result<Camera, Error> {
    let credentials = Credentials::new("admin", "pw".to_owned().into());
    Camera::connect(std::slice::from_ref(address), Some(credentials), settings).await
}

fn closed(asked: &Asked) -> Option<axum::response::Response> {
    let is_right = asked.is("GetSystemDateAndTime") || asked.has_digest("pw");
    (!is_right).then(|| challenge("n1"))
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_accepted_and_reported() {
    let stand_in = StandIn::start(closed).await;
    let front = Front::start(&stand_in).await;
    let camera = connect(&front.address, stand_in.settings()).await.unwrap();
    assert!(camera.is_signed_in());
    let seen = camera.certificate().unwrap();
    assert_eq!(seen, CertificatePin::of_der(ONE.0));
    let settings = Settings { pin: Some(seen), ..stand_in.settings() };
    assert_eq!(connect(&front.address, settings).await.unwrap().certificate(), Some(seen));
    assert_eq!(stand_in.connect("pw").await.unwrap().certificate(), None, "there is none over HTTP");
}

#[tokio::test]
async fn another_certificate_than_the_remembered_one_is_told_before_anything_is_sent() {
    let stand_in = StandIn::start(closed).await;
    let front = Front::start(&stand_in).await;
    front.show_another_certificate();
    let expected = CertificatePin::of_der(ONE.0);
    let settings = Settings { pin: Some(expected), ..stand_in.settings() };
    let error = connect(&front.address, settings).await.unwrap_err();
    let changed =
        Error::CertificateChanged { address: label(&front), expected, seen: CertificatePin::of_der(TWO.0) };
    assert_eq!(error, changed);
    assert!(error.needs_a_person());
    assert!(stand_in.asked().is_empty());
}

#[tokio::test]
async fn a_certificate_that_changes_in_the_middle_ends_the_session_before_anything_is_sent() {
    let stand_in = StandIn::start(closed).await;
    let front = Front::start(&stand_in).await;
    let camera = connect(&front.address, stand_in.settings()).await.unwrap();
    let before = stand_in.asked().len();
    front.show_another_certificate();
    assert!(matches!(camera.information().await, Err(Error::CertificateChanged { .. })));
    assert_eq!(stand_in.asked().len(), before);
}

#[tokio::test]
async fn a_camera_that_was_encrypted_is_not_asked_without_encryption() {
    let stand_in = StandIn::start(closed).await;
    let settings = Settings { pin: Some(CertificatePin::of_der(ONE.0)), ..stand_in.settings() };
    let error = connect(&stand_in.address, settings.clone()).await.unwrap_err();
    assert!(matches!(error, Error::EncryptionLost { .. }), "{error}");
    let dead = Url::parse("https://127.0.0.1:9/onvif/device_service").unwrap();
    let both = [dead, stand_in.address.clone()];
    let error = Camera::connect(&both, None, settings).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(stand_in.asked().is_empty());
}

#[tokio::test]
async fn services_named_without_encryption_are_asked_with_it() {
    let stand_in = StandIn::start(closed).await;
    let front = Front::start(&stand_in).await;
    let camera = connect(&front.address, stand_in.settings()).await.unwrap();
    // The stand-in names its services at its own port, over HTTP.
    assert_eq!(camera.profiles().await.unwrap().len(), 1);
    let host = format!("127.0.0.1:{}", front.address.port().unwrap());
    assert!(stand_in.asked().iter().all(|asked| asked.headers["host"] == host.as_str()));
}

#[tokio::test]
async fn a_redirect_to_https_on_the_same_host_is_followed_and_kept_to() {
    let behind = StandIn::start(closed).await;
    let front = Front::start(&behind).await;
    let to = front.address.clone();
    let stand_in = StandIn::start(move |_: &Asked| {
        Some(axum::response::IntoResponse::into_response(axum::response::Redirect::permanent(to.as_str())))
    })
    .await;
    let camera = stand_in.connect("pw").await.unwrap();
    assert_eq!(camera.address(), &front.address);
    assert_eq!(camera.certificate(), Some(CertificatePin::of_der(ONE.0)));
    assert_eq!(
        (stand_in.asked().len(), stand_in.signed()),
        (1, 0),
        "the open address is asked for the time only"
    );
    assert!(behind.signed() > 0);
}

#[tokio::test]
async fn a_camera_behind_https_is_found_by_its_port() {
    let stand_in = StandIn::start(closed).await;
    let front = Front::start(&stand_in).await;
    let found = hausrecht_onvif::discovery::by_address(&label(&front), &stand_in.settings()).await.unwrap();
    assert_eq!(found, std::slice::from_ref(&front.address));
    assert_eq!(stand_in.signed(), 0);
}

#[tokio::test]
async fn a_key_that_does_not_belong_to_the_certificate_is_refused() {
    // The certificate of one camera with the key of another: what an impostor has who has only looked.
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = rustls::pki_types::PrivateKeyDer::try_from(TWO.1).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let forged = Arc::new(rustls::sign::CertifiedKey::new(vec![ONE.0.into()], key));
    let builder = rustls::ServerConfig::builder_with_provider(Arc::new(provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let resolver = rustls::sign::SingleCertAndKey::from(forged);
    let stand_in = StandIn::start(closed).await;
    let front = Front::start(&stand_in).await;
    *front.config.lock().unwrap() = Arc::new(builder.with_cert_resolver(Arc::new(resolver)));
    for pin in [None, Some(CertificatePin::of_der(ONE.0))] {
        let error = connect(&front.address, Settings { pin, ..stand_in.settings() }).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    }
    assert!(stand_in.asked().is_empty());
}

fn label(front: &Front) -> String {
    format!("127.0.0.1:{}", front.address.port().unwrap())
}
