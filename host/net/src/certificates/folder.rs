//! The certificates folder: what is in it, and what is put there.
//!
//! A domain's certificate is `DOMAIN.pem` (the chain and the key in one file) or the pair `DOMAIN/fullchain.pem` and
//! `DOMAIN/privkey.pem`, as ACME clients write it, unless the virtual host's settings name other files.

use super::check::{certify, encoded};
use super::{ByDomain, CertificateError};
use crate::tls::Certificate;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use waxwing_config::Settings;
use waxwing_server::Vhost;
use waxwing_xmpp::{Jid, domain_to_ascii};

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
        let failed = |reason: String| CertificateError::Generate { domain: domain.to_owned(), reason };
        let file =
            single_file(folder, domain).ok_or_else(|| failed("no file can have that name".to_owned()))?;
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
    // ACME clients know a domain as the DNS has it.
    let spellings = [Some(domain.into()), domain_to_ascii(domain)];
    spellings.into_iter().flatten().find_map(|name| {
        let (single, pair) = (single_file(folder, &name)?, folder.join(&*name));
        if single.exists() {
            return Some((single.clone(), single));
        }
        let chain_file = pair.join("fullchain.pem");
        chain_file.exists().then(|| (chain_file, pair.join("privkey.pem")))
    })
}

pub(super) fn self_signed(domain: &str) -> Result<String, rcgen::Error> {
    /// A Gregorian year on average.
    const YEAR_SECONDS: u64 = 31_556_952;
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let year = 1970 + i32::try_from(since_epoch.as_secs() / YEAR_SECONDS).unwrap_or(0);

    let name = encoded(domain);
    let mut params = rcgen::CertificateParams::new([name.clone()])?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(year - 1, 1, 1);
    params.not_after = rcgen::date_time_ymd(year + 10, 1, 1);
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let key = rcgen::KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
}

/// Keep a certificate with its key as `DOMAIN.pem`, in the place of the one that is there.
///
/// # Errors
/// A sentence that says what is wrong.
pub(super) fn put(settings: &Settings, domain: &str, pem: &str) -> Result<PathBuf, String> {
    let folder = settings.certificates.as_path();
    let file = single_file(folder, domain).ok_or_else(|| format!("no file can be named {domain}.pem"))?;
    let failed = |why: io::Error| format!("the certificate cannot be kept in {}: {why}", file.display());
    fs::create_dir_all(folder).map_err(failed)?;
    write_private(&file, pem).map_err(failed)?;
    Ok(file)
}

/// Where the chain and the key of a domain are in one file. `None` if the name would lead elsewhere.
fn single_file(folder: &Path, domain: &str) -> Option<PathBuf> {
    let mut parts = Path::new(domain).components();
    let plain =
        matches!((parts.next(), parts.next()), (Some(Component::Normal(name)), None) if name == domain);
    plain.then(|| folder.join(format!("{domain}.pem")))
}

/// Write a file that only the server's user may read, whole or not at all, also if the machine loses power.
fn write_private(file: &Path, text: &str) -> io::Result<()> {
    // Not `.pem`, or it would be read with the rest.
    let unfinished = file.with_extension("pem-new");
    match fs::remove_file(&unfinished) {
        // Left from a crash.
        Ok(()) => {}
        Err(why) if why.kind() == io::ErrorKind::NotFound => {}
        Err(why) => return Err(why),
    }
    let mut output = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    output.write_all(text.as_bytes())?;
    output.sync_all()?;
    fs::rename(&unfinished, file)?;
    match file.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

pub(super) fn read_all(settings: &Settings) -> Result<ByDomain, CertificateError> {
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
        let domain = name.and_then(|name| Jid::parse(name.to_str()?).ok());
        domains.extend(domain.filter(Jid::is_domain).map(|domain| domain.to_string()));
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
    certify(domain, chain, key).map_err(|reason| unusable(key_file, reason))
}
