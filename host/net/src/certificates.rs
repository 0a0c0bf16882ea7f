//! The certificates folder: what is in it, and the self-signed certificate that is put there on the first start.
//!
//! A domain's certificate is `DOMAIN.pem` (the chain and the key in one file) or the pair `DOMAIN/fullchain.pem` and
//! `DOMAIN/privkey.pem`, as ACME clients write it, unless the virtual host's settings name other files.

use crate::tls::Certificate;
use arc_swap::ArcSwap;
use rustls::InconsistentKeys;
use rustls::crypto::ring;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::{BTreeSet, HashMap};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use waxwing_config::Settings;
use waxwing_server::Vhost;

/// A certificate that cannot be used; says which file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The folder cannot be listed, or made.
    #[error("the certificates folder {path} cannot be used: {source}", path = .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("the certificate file {path} cannot be read: {source}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("the certificate file {path} cannot be used: {reason}", path = .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// A self-signed certificate could not be made or written.
    #[error("no self-signed certificate for {domain} could be made: {reason}")]
    Generate {
        /// The virtual host.
        domain: String,
        /// Why.
        reason: String,
    },
    /// There is no certificate at all.
    #[error("the certificates folder {path} holds no certificate: put DOMAIN.pem there, chain and key in one file",
        path = .path.display())]
    None {
        /// The folder.
        path: PathBuf,
    },
}

type ByDomain = HashMap<String, Arc<Certificate>>;

/// The certificates by domain. They can be read again while streams use them.
pub struct Certificates {
    by_domain: ArcSwap<ByDomain>,
}

impl Certificates {
    /// Read everything in the folder, and the files that virtual hosts name.
    ///
    /// # Errors
    /// If the folder cannot be read, if any certificate is unusable, or if there is none.
    pub fn load(settings: &Settings) -> Result<Self, CertificateError> {
        Ok(Self { by_domain: ArcSwap::from_pointee(read_all(settings)?) })
    }

    /// Read them again. Streams that are open keep what they have.
    ///
    /// # Errors
    /// As [`Certificates::load`]; then everything stays as it was.
    pub fn reload(&self, settings: &Settings) -> Result<(), CertificateError> {
        self.by_domain.store(Arc::new(read_all(settings)?));
        Ok(())
    }

    /// The certificate of the first of these domains that has one.
    pub fn find<'a>(&self, domains: impl IntoIterator<Item = &'a str>) -> Option<Arc<Certificate>> {
        let by_domain = self.by_domain.load();
        domains.into_iter().find_map(|domain| by_domain.get(domain).cloned())
    }
}

/// Make a self-signed certificate for each of these virtual hosts that has none yet: `DOMAIN.pem` in the certificates
/// folder, readable by the server's user alone. The operator is told by a warning for each, and by the answer: the files
/// made.
///
/// # Errors
/// If the folder or a file cannot be written.
pub fn ensure(settings: &Settings, vhosts: &[Arc<Vhost>]) -> Result<Vec<PathBuf>, CertificateError> {
    ensure_domains(settings, vhosts.iter().map(|vhost| vhost.domain()))
}

pub(crate) fn ensure_domains<'a>(
    settings: &Settings,
    domains: impl Iterator<Item = &'a str>,
) -> Result<Vec<PathBuf>, CertificateError> {
    let folder = settings.certificates.as_path();
    fs::create_dir_all(folder)
        .map_err(|source| CertificateError::Folder { path: folder.to_owned(), source })?;
    let mut made = Vec::new();
    for domain in domains.filter(|domain| find_files(settings, domain).is_none()) {
        let file = folder.join(format!("{domain}.pem"));
        let failed = |reason: String| CertificateError::Generate { domain: domain.to_owned(), reason };
        let pem = self_signed(domain).map_err(|error| failed(error.to_string()))?;
        write_private(&file, &pem).map_err(|error| failed(format!("{}: {error}", file.display())))?;
        tracing::warn!(
            "made a self-signed certificate for {domain}, which clients ask their users about: put a certificate that \
             clients trust into {}, chain and key in one file",
            file.display()
        );
        made.push(file);
    }
    Ok(made)
}

/// Look at the certificate of a virtual host and say where it is, as `waxwing check` does.
///
/// # Errors
/// If there is one and it is unusable.
pub fn check(settings: &Settings, vhost: &Vhost) -> Result<String, CertificateError> {
    let Some((chain_file, key_file)) = find_files(settings, vhost.domain()) else {
        return Ok("none yet; a self-signed one is made when the server starts".to_owned());
    };
    read_certificate(vhost.domain(), &chain_file, &key_file)?;
    Ok(chain_file.display().to_string())
}

/// The files with the chain and the key of a domain.
fn find_files(settings: &Settings, domain: &str) -> Option<(PathBuf, PathBuf)> {
    let named = settings.vhost(domain).and_then(|vhost| Some((vhost.certificate.clone()?, vhost)));
    if let Some((chain_file, vhost)) = named {
        let key_file = vhost.private_key.clone().unwrap_or_else(|| chain_file.clone());
        return Some((chain_file, key_file));
    }
    let folder = &settings.certificates;
    let (single, pair) = (folder.join(format!("{domain}.pem")), folder.join(domain));
    if single.exists() {
        return Some((single.clone(), single));
    }
    let chain_file = pair.join("fullchain.pem");
    chain_file.exists().then(|| (chain_file, pair.join("privkey.pem")))
}

fn self_signed(domain: &str) -> Result<String, rcgen::Error> {
    /// A Gregorian year on average.
    const YEAR_SECONDS: u64 = 31_556_952;
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let year = 1970 + i32::try_from(since_epoch.as_secs() / YEAR_SECONDS).unwrap_or(0);

    let mut params = rcgen::CertificateParams::new([domain.to_owned()])?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, domain);
    params.not_before = rcgen::date_time_ymd(year - 1, 1, 1);
    params.not_after = rcgen::date_time_ymd(year + 10, 1, 1);
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let key = rcgen::KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
}

fn write_private(file: &Path, text: &str) -> io::Result<()> {
    let mut output = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    output.write_all(text.as_bytes())?;
    output.sync_all()
}

fn read_all(settings: &Settings) -> Result<ByDomain, CertificateError> {
    let mut domains: BTreeSet<String> = settings.vhosts.iter().map(|vhost| vhost.domain.clone()).collect();
    domains.extend(domains_in(&settings.certificates)?);
    let mut by_domain = ByDomain::new();
    for domain in domains {
        if let Some((chain_file, key_file)) = find_files(settings, &domain) {
            let certificate = read_certificate(&domain, &chain_file, &key_file)?;
            by_domain.insert(domain, Arc::new(certificate));
        }
    }
    if by_domain.is_empty() {
        return Err(CertificateError::None { path: settings.certificates.clone() });
    }
    Ok(by_domain)
}

/// The domains that have a certificate in the folder, whether they are virtual hosts or not: some are added at run time.
fn domains_in(folder: &Path) -> Result<Vec<String>, CertificateError> {
    let unreadable = |source| CertificateError::Folder { path: folder.to_owned(), source };
    let mut domains = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = if path.join("fullchain.pem").exists() {
            path.file_name()
        } else if path.extension().is_some_and(|extension| extension == "pem") {
            path.file_stem()
        } else {
            None
        };
        domains.extend(name.and_then(|name| name.to_str()).map(str::to_owned));
    }
    Ok(domains)
}

fn read_certificate(
    domain: &str,
    chain_file: &Path,
    key_file: &Path,
) -> Result<Certificate, CertificateError> {
    let read = |path: &Path| {
        fs::read(path).map_err(|source| CertificateError::Read { path: path.to_owned(), source })
    };
    let unusable = |path: &Path, reason: String| CertificateError::Unusable { path: path.to_owned(), reason };

    let chain = CertificateDer::pem_slice_iter(&read(chain_file)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(chain_file, format!("this is not PEM: {error}")))?;
    if chain.is_empty() {
        return Err(unusable(chain_file, "it holds no certificate (-----BEGIN CERTIFICATE-----)".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(key_file)?).map_err(|error| {
        unusable(key_file, format!("it holds no private key that can be read without a password: {error}"))
    })?;
    let certified = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| {
        let reason = match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                "the private key is not that of the first certificate: the server's own certificate comes first, \
                 those of the issuers after it"
                    .to_owned()
            }
            other => other.to_string(),
        };
        unusable(key_file, reason)
    })?;
    Certificate::new(domain, certified).map_err(|error| unusable(chain_file, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use waxwing_config::VhostSettings;

    /// Settings of these virtual hosts with an empty certificates folder.
    fn settings(domains: &[&str]) -> (Settings, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let vhosts = domains.iter().map(|domain| VhostSettings::new(*domain)).collect();
        (Settings { certificates: folder.path().to_owned(), vhosts, ..Settings::default() }, folder)
    }

    #[test]
    fn self_signed_is_made_once_and_found() {
        let (settings, _folder) = settings(&["localhost", "example.org"]);
        let made = ensure_domains(&settings, ["localhost", "example.org"].into_iter()).unwrap();
        assert_eq!(
            made,
            [settings.certificates.join("localhost.pem"), settings.certificates.join("example.org.pem")]
        );
        assert_eq!(fs::metadata(&made[0]).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(ensure_domains(&settings, ["localhost"].into_iter()).unwrap().is_empty());

        let certificates = Certificates::load(&settings).unwrap();
        assert_eq!(certificates.find(["localhost"]).unwrap().domain(), "localhost");
        assert_eq!(certificates.find(["nowhere", "example.org"]).unwrap().domain(), "example.org");
        assert!(certificates.find(["nowhere"]).is_none());
    }

    #[test]
    fn a_pair_of_files() {
        let (mut settings, _folder) = settings(&["example.org"]);
        let folder = settings.certificates.clone();
        let pem = self_signed("example.org").unwrap();
        let key_at = pem.find("-----BEGIN PRIVATE KEY").unwrap();
        let (chain_file, key_file) =
            (folder.join("example.org/fullchain.pem"), folder.join("example.org/privkey.pem"));
        fs::create_dir(folder.join("example.org")).unwrap();
        fs::write(&chain_file, &pem[..key_at]).unwrap();
        fs::write(&key_file, &pem[key_at..]).unwrap();
        fs::write(folder.join("README"), "not a certificate").unwrap();
        assert!(ensure_domains(&settings, ["example.org"].into_iter()).unwrap().is_empty());
        let certificates = Certificates::load(&settings).unwrap();
        assert!(certificates.find(["example.org"]).is_some());

        let mut other = VhostSettings::new("other.example");
        (other.certificate, other.private_key) = (Some(chain_file), Some(key_file));
        settings.vhosts.push(other);
        fs::write(folder.join("b.example.pem"), self_signed("b.example").unwrap()).unwrap();
        certificates.reload(&settings).unwrap();
        assert!(certificates.find(["b.example"]).is_some());
        assert!(certificates.find(["other.example"]).is_some());

        fs::write(folder.join("c.example.pem"), "damaged").unwrap();
        assert!(certificates.reload(&settings).is_err());
        assert!(certificates.find(["b.example"]).is_some());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let (mut settings, _folder) = settings(&["a.example"]);
        let folder = settings.certificates.clone();
        assert!(matches!(Certificates::load(&settings), Err(CertificateError::None { .. })));
        settings.certificates = folder.join("none");
        assert!(matches!(Certificates::load(&settings), Err(CertificateError::Folder { .. })));
        settings.certificates = folder.clone();

        let (one, other) = (self_signed("a.example").unwrap(), self_signed("a.example").unwrap());
        let key_at = |pem: &str| pem.find("-----BEGIN PRIVATE KEY").unwrap();
        let mismatch = format!("{}{}", &one[..key_at(&one)], &other[key_at(&other)..]);
        for (text, expected) in [
            ("", "holds no certificate"),
            (&one[..key_at(&one)], "holds no private key"),
            (&one[key_at(&one)..], "holds no certificate"),
            (&mismatch, "not that of the first certificate"),
        ] {
            fs::write(folder.join("a.example.pem"), text).unwrap();
            let error = Certificates::load(&settings).err().unwrap().to_string();
            assert!(error.contains(expected) && error.contains("a.example.pem"), "{error}");
        }
    }
}
