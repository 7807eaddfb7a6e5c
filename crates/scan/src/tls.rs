//! TLS as a browser does it (RFC 8446), and without verification for sites whose certificate is refused.
//!
//! The authorities are those of Mozilla's programme, the same on every machine, so that `verified` means what a visitor
//! sees; authorities of one's own come beside them.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, WantsClientCert};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use crate::failure::Unusable;
use crate::options::{Identity, Options};

/// Whether a certificate has to be good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    Verified,
    Unverified,
}

/// Whether a host is the one that was given, and may know who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    Given,
    Other,
}

/// A connector for each trust and party.
pub(crate) struct Tls {
    verified: [TlsConnector; 2],
    unverified: [TlsConnector; 2],
}

impl Tls {
    pub(crate) fn new(options: &Options) -> Result<Self, Unusable> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        if let Some(pem) = &options.authorities {
            for certificate in certificates(pem).map_err(Unusable::Certificates)? {
                roots
                    .add(certificate)
                    .map_err(|error| Unusable::Certificates(error.to_string()))?;
            }
        }
        let roots = Arc::new(roots);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let both = |trust: Trust| -> Result<[TlsConnector; 2], Unusable> {
            let config = |identity: Option<&Identity>| -> Result<TlsConnector, Unusable> {
                let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
                    .with_safe_default_protocol_versions()?;
                let builder = match trust {
                    Trust::Verified => builder.with_root_certificates(Arc::clone(&roots)),
                    Trust::Unverified => builder
                        .dangerous()
                        .with_custom_certificate_verifier(Arc::new(Anybody(Arc::clone(&provider)))),
                };
                Ok(TlsConnector::from(Arc::new(named(builder, identity)?)))
            };
            Ok([config(options.identity.as_ref())?, config(None)?])
        };
        Ok(Self {
            verified: both(Trust::Verified)?,
            unverified: both(Trust::Unverified)?,
        })
    }

    pub(crate) const fn connector(&self, trust: Trust, party: Party) -> &TlsConnector {
        let [given, other] = match trust {
            Trust::Verified => &self.verified,
            Trust::Unverified => &self.unverified,
        };
        match party {
            Party::Given => given,
            Party::Other => other,
        }
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err("there is none".to_owned()),
        Ok(found) => Ok(found),
        Err(error) => Err(error.to_string()),
    }
}

fn named(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    identity: Option<&Identity>,
) -> Result<ClientConfig, Unusable> {
    let Some(identity) = identity else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates(&identity.certificates).map_err(Unusable::Identity)?;
    let key = PrivateKeyDer::from_pem_slice(&identity.key)
        .map_err(|error| Unusable::Identity(format!("no private key in PEM: {error}")))?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|error| Unusable::Identity(error.to_string()))
}

/// Takes any certificate; only after verification has failed, and the site is told so.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pem_is_refused() {
        let mut options = Options {
            authorities: Some(b"junk".to_vec()),
            ..Options::default()
        };
        assert!(matches!(Tls::new(&options), Err(Unusable::Certificates(_))));
        options.authorities = None;
        options.identity = Some(Identity {
            certificates: Vec::new(),
            key: Vec::new(),
        });
        assert!(matches!(Tls::new(&options), Err(Unusable::Identity(_))));
    }
}
