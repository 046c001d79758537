//! Where a provider's key travels: facts, and what follows from them for a request.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Deserialize;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// One place in which a key is looked for. Where a provider has two names, a key is both, with a colon between.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// A query parameter.
    #[serde(default)]
    pub parameter: Option<String>,
    /// A header, and the word before the key in it.
    #[serde(default)]
    pub header: Option<String>,
    #[serde(default)]
    pub scheme: Option<String>,
    /// A second header for the part of the key behind the colon.
    #[serde(default)]
    pub secret_header: Option<String>,
    /// Our own key travels here only if the base URL says so.
    #[serde(default)]
    pub only_at: Option<String>,
}

/// A key on its way upstream. It is never shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Credential {
    place: usize,
    key: String,
    /// Did a client bring it?
    is_clients: bool,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A client's keys are words; whatever is longer is none.
const LONGEST: usize = 512;

/// All places of a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Places(Vec<Place>);

impl Places {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that a client brought, in the first place that has one.
    pub fn brought<'a>(&self, query: &str, header: &dyn Fn(&str) -> Option<&'a str>) -> Option<Credential> {
        let found = |place: &Place| place.find(query, header).filter(|key| !key.is_empty() && key.len() <= LONGEST);
        self.0
            .iter()
            .enumerate()
            .find_map(|(at, place)| Some(Credential { place: at, key: found(place)?, is_clients: true }))
    }

    /// Our own key, in the place where this provider wants it.
    pub fn own(&self, key: &str, base_url: &str) -> Option<Credential> {
        let fits = |place: &Place| place.only_at.as_ref().is_some_and(|part| base_url.contains(part.as_str()));
        let free = |place: &Place| place.only_at.is_none();
        let place = self.0.iter().position(fits).or_else(|| self.0.iter().position(free))?;
        (!key.is_empty()).then(|| Credential { place, key: key.to_owned(), is_clients: false })
    }

    /// Is this a query parameter that carries a key?
    pub fn is_parameter(&self, name: &str) -> bool {
        self.0.iter().any(|place| place.parameter.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name)))
    }

    /// Headers that carry a key.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|place| place.header.as_deref().into_iter().chain(place.secret_header.as_deref()))
    }

    /// A query without keys.
    pub fn stripped(&self, query: &str) -> String {
        let is_key = |pair: &&str| self.is_parameter(&decoded(pair.split('=').next().unwrap_or_default()));
        query.split('&').filter(|pair| !is_key(pair)).collect::<Vec<_>>().join("&")
    }

    /// What a key adds to a request: to its query, and as headers.
    pub fn sign(&self, credential: &Credential, query: &str) -> (String, Vec<(String, String)>) {
        let Some(place) = self.0.get(credential.place) else { return (query.to_owned(), Vec::new()) };
        let (key, secret) = match &place.secret_header {
            Some(_) => credential.key.split_once(':').unwrap_or((&credential.key, "")),
            None => (credential.key.as_str(), ""),
        };
        let mut headers = Vec::new();
        if let Some(name) = &place.header {
            let value = place.scheme.as_ref().map_or_else(|| key.to_owned(), |scheme| format!("{scheme} {key}"));
            headers.push((name.clone(), value));
        }
        headers.extend(place.secret_header.iter().map(|name| (name.clone(), secret.to_owned())));
        let query = match &place.parameter {
            Some(name) => {
                let joint = if query.is_empty() { "" } else { "&" };
                format!("{query}{joint}{name}={}", utf8_percent_encode(key, NON_ALPHANUMERIC))
            }
            None => query.to_owned(),
        };
        (query, headers)
    }
}

impl Place {
    fn find<'a>(&self, query: &str, header: &dyn Fn(&str) -> Option<&'a str>) -> Option<String> {
        if let Some(name) = &self.parameter {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            return pairs
                .map(|(n, value)| (decoded(n), value))
                .find(|(n, _)| n.eq_ignore_ascii_case(name))
                .map(|(_, v)| decoded(v));
        }
        let value = header(self.header.as_deref()?)?;
        let key = match &self.scheme {
            // `Bearer`, `Token`, `apikey`: names of schemes have no case (RFC 9110 §11.1).
            Some(scheme) => {
                let (word, key) = value.trim().split_once(' ')?;
                word.eq_ignore_ascii_case(scheme).then(|| key.trim())?
            }
            None => value.trim(),
        };
        match &self.secret_header {
            Some(name) => Some(format!("{key}:{}", header(name)?.trim())),
            None => Some(key.to_owned()),
        }
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl Credential {
    /// Bytes from which a name for the holder's scope is made; the key itself never stands in it.
    pub fn secret(&self) -> &[u8] {
        self.key.as_bytes()
    }

    /// Whose allowance a call uses up, if not the gateway's own: a number that tells keys apart.
    pub fn payer(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        self.key.hash(&mut hasher);
        self.is_clients.then(|| hasher.finish())
    }

    /// A text without the key, or either half of it, however it is written there.
    pub fn scrub(&self, text: &str) -> String {
        /// Shorter words stand in texts by chance.
        const SHORTEST: usize = 4;
        let halves = self.key.split(':').chain([self.key.as_str()]).filter(|half| half.len() >= SHORTEST);
        // The longest first, so that no part of one is left behind.
        let mut forms: Vec<String> = halves.flat_map(written).collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        forms.iter().fold(text.to_owned(), |text, form| text.replace(form.as_str(), "***"))
    }

    /// Does a text have something to be scrubbed from it?
    pub fn stands_in(&self, text: &str) -> bool {
        self.scrub(text) != text
    }
}

/// The ways in which a key is written in URLs and in JSON.
fn written(key: &str) -> Vec<String> {
    /// What URLs leave as it is (RFC 3986 §2.3).
    const LEAST: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let quoted = serde_json::Value::from(key).to_string();
    let encoded = [NON_ALPHANUMERIC, LEAST].map(|set| utf8_percent_encode(key, set).to_string());
    let lower = encoded.clone().map(|text| lower_hex(&text));
    encoded.into_iter().chain(lower).chain([key.to_owned(), quoted[1..quoted.len() - 1].to_owned()]).collect()
}

/// Percent codes in small letters.
fn lower_hex(text: &str) -> String {
    let mut parts = text.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| match part.get(..2) {
        Some(code) => format!("{out}%{}{}", code.to_ascii_lowercase(), &part[2..]),
        None => format!("{out}%{part}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Places {
        #[derive(Deserialize)]
        struct Facts {
            keys: Places,
        }
        toml::from_str::<Facts>(text).expect("places").keys
    }

    const NONE: &dyn Fn(&str) -> Option<&'static str> = &|_| None;

    #[test]
    fn a_key_is_found_where_it_travels_and_put_back_there() {
        let both = places("keys = [{ header = \"authorization\", scheme = \"Bearer\" }, { parameter = \"apiKey\" }]");
        let in_query = both.brought("a=1&apiKey=s%3Fcret&b=2", NONE).expect("a key");
        assert_eq!(both.sign(&in_query, "a=1"), ("a=1&apiKey=s%3Fcret".into(), vec![]));
        let header = |name: &str| (name == "authorization").then_some("bearer  s?cret");
        let in_header = both.brought("a=1", &header).expect("a key");
        assert_eq!(both.sign(&in_header, ""), (String::new(), vec![("authorization".into(), "Bearer s?cret".into())]));
        assert!(both.brought("a=1&APIKEY=x", NONE).is_some(), "some providers know no case of names");
        assert_eq!(both.stripped("a=1&APIKEY=x"), "a=1");
        assert_eq!(both.stripped("a=1&apiKey=x&b=2"), "a=1&b=2");
        assert_eq!(format!("{in_header:?}"), "***");
    }

    #[test]
    fn a_key_of_two_halves_stays_together() {
        let pair = places("keys = [{ header = \"apca-api-key-id\", secret_header = \"apca-api-secret-key\" }]");
        let header = |name: &str| Some(if name == "apca-api-key-id" { "ident" } else { "secret" });
        let key = pair.brought("", &header).expect("a key");
        let expected = [("apca-api-key-id", "ident"), ("apca-api-secret-key", "secret")];
        assert_eq!(pair.sign(&key, "").1, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
        assert_eq!(key.scrub("no ident, no secret"), "no ***, no ***");
        let own = pair.own("ident:secret", "https://x").expect("a key");
        assert_eq!((own.secret(), own.payer()), (key.secret(), None));
        assert!(key.payer().is_some());
    }

    #[test]
    fn a_key_is_scrubbed_however_it_is_written() {
        let places = places("keys = [{ parameter = \"k\" }]");
        let key = places.own("my-se/cret+1\"2", "https://x").expect("a key");
        for text in [
            "my-se/cret+1\"2",
            "my%2Dse%2Fcret%2B1%222",
            "my-se%2Fcret%2B1%222",
            "my-se%2fcret%2b1%222",
            "my-se/cret+1\\\"2",
        ] {
            assert_eq!(key.scrub(&format!("?k={text}&a=1")), "?k=***&a=1", "{text}");
        }
    }

    #[test]
    fn our_own_key_goes_where_the_host_wants_it() {
        let two = places(
            "keys = [{ header = \"x-demo\" }, { header = \"x-pro\", only_at = \"pro-api\" }, { parameter = \"k\" }]",
        );
        let sent = |url: &str| two.sign(&two.own("key", url).expect("a key"), "").1[0].0.clone();
        assert_eq!([sent("https://api.x"), sent("https://pro-api.x")], ["x-demo", "x-pro"]);
    }
}
