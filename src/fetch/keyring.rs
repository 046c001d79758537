//! With whose key a provider is asked: the gateway's, the client's, or none.

use super::forward::Forwarded;
use crate::config::{self, Keys};
use finex_providers::keys::{Credential, Places};
use finex_providers::manifest::Manifest;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;

/// How a client's request is let through.
#[derive(Debug, Clone, Default)]
pub struct Admission {
    /// What it is signed with.
    pub credential: Option<Arc<Credential>>,
    /// Does what it brings belong to the client alone?
    pub is_private: bool,
}

pub struct Keyring {
    places: Places,
    own: Option<Arc<Credential>>,
    keys: Keys,
    licensed: bool,
}

impl Keyring {
    pub fn new(manifest: &Manifest, settings: &config::Provider) -> Keyring {
        let own = manifest.keys.own(settings.api_key.reveal(), &manifest.base_url).map(Arc::new);
        let keys = match settings.keys {
            Keys::Auto if own.is_some() => Keys::Managed,
            Keys::Auto => Keys::Passthrough,
            chosen => chosen,
        };
        Keyring { places: manifest.keys.clone(), own, keys, licensed: settings.licensed_for_sharing }
    }

    pub fn admit<'a>(&self, query: &str, header: &dyn Fn(&str) -> Option<&'a str>) -> Admission {
        if self.places.is_empty() {
            return Admission::default();
        }
        let brought = || self.places.brought(query, header).map(Arc::new);
        let clients = if self.keys == Keys::Managed { None } else { brought() };
        match clients {
            Some(key) => Admission { credential: Some(key), is_private: !self.licensed },
            None if self.keys == Keys::Passthrough => Admission::default(),
            None => Admission { credential: self.own.clone(), is_private: false },
        }
    }

    /// A query with its key, and the headers that carry one.
    pub fn sign(&self, query: &str, credential: Option<&Credential>) -> (String, HeaderMap) {
        let Some(credential) = credential else { return (query.to_owned(), HeaderMap::new()) };
        let (query, headers) = self.places.sign(credential, query);
        let pair = |(name, value): (String, String)| {
            let mut value = HeaderValue::from_str(&value).ok()?;
            value.set_sensitive(true);
            Some((name.parse::<HeaderName>().ok()?, value))
        };
        (query, headers.into_iter().filter_map(pair).collect())
    }

    /// Puts the key that a request goes with in the place of whatever it brought. Says with which it goes.
    pub fn replace(&self, request: &mut Forwarded) -> Option<Arc<Credential>> {
        if self.places.is_empty() {
            return None;
        }
        let query = request.query.take().unwrap_or_default();
        let admission = {
            let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
            self.admit(&query, &header)
        };
        for name in self.places.headers() {
            request.headers.remove(name);
        }
        let (query, headers) = self.sign(&self.places.stripped(&query), admission.credential.as_deref());
        request.query = (!query.is_empty()).then_some(query);
        request.headers.extend(headers);
        admission.credential
    }
}
