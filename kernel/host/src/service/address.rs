//! The base URL of a service, with the rule for its requests and the host that its credential is bound to.

use openkoi_core::pattern::{HttpRule, PatternError};

/// A base URL cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The scheme is neither `https` nor `http`.
    #[error("`{0}` is not a base URL: it starts with `https://` or `http://`")]
    Scheme(String),
    /// The host is a wildcard.
    #[error("`{0}` is not a base URL: it names one host")]
    Wildcard(String),
    /// The URL does not make a rule.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

/// The base URL of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    base: String,
    rule: HttpRule,
}

impl Address {
    /// Reads a base URL.
    ///
    /// # Errors
    ///
    /// The reason why the URL cannot be used.
    pub(crate) fn parse(url: &str) -> Result<Self, AddressError> {
        let base = url.trim_end_matches('/');
        if !base.starts_with("https://") && !base.starts_with("http://") {
            return Err(AddressError::Scheme(crate::text::one_line(url, 200)));
        }
        let rule: HttpRule = format!("{base}/**").parse()?;
        if rule.host.is_wildcard() || rule.host.to_string().contains('*') {
            return Err(AddressError::Wildcard(crate::text::one_line(url, 200)));
        }
        Ok(Self { base: base.to_owned(), rule })
    }

    /// Returns the URL without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Returns the rule that covers the base URL and the paths below it.
    pub(crate) fn rule(&self) -> &HttpRule {
        &self.rule
    }

    /// Returns the host that a credential is bound to, with the port unless it is the scheme's own.
    pub(crate) fn binding(&self) -> String {
        let usual = if self.rule.secure { 443 } else { 80 };
        if self.rule.port == usual {
            self.rule.host.to_string()
        } else {
            format!("{}:{}", self.rule.host, self.rule.port)
        }
    }

    /// Returns true if the URL, as it is written, is on this machine or in a private network.
    pub(crate) fn is_local(&self) -> bool {
        self.rule.private
    }

    /// Returns true if the URL, as it is written, is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.rule.host.to_string();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let ip = bare.parse::<std::net::IpAddr>();
        bare == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    }

    /// Returns true if a key may be sent there: over TLS, or within this machine or a private network.
    pub(crate) fn is_safe(&self) -> bool {
        self.rule.secure || self.rule.private
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_covers_the_paths_below_it() {
        let address = Address::parse("https://api.example.com/v1/").unwrap();

        assert_eq!(address.base(), "https://api.example.com/v1");
        assert_eq!(address.rule().to_string(), "https://api.example.com/v1/**");
        assert_eq!(address.binding(), "api.example.com");
        assert!(address.is_safe() && !address.is_local());
    }

    #[test]
    fn an_address_is_local_if_it_is_written_as_one() {
        let address = Address::parse("http://127.0.0.1:11434").unwrap();

        assert_eq!(address.binding(), "127.0.0.1:11434");
        assert!(address.is_local() && address.is_safe());
        assert!(!Address::parse("http://api.example.com").unwrap().is_safe());
    }

    #[test]
    fn an_address_is_on_this_machine_if_it_is_written_as_one() {
        let is_loopback = |url| Address::parse(url).unwrap().is_loopback();
        for url in
            ["http://127.0.0.1:1", "http://localhost:1/v1", "http://[::1]:1", "http://127.8.0.1"]
        {
            assert!(is_loopback(url), "{url}");
        }
        for url in
            ["http://192.168.1.5:1", "https://api.example.com", "https://localhost.example.com"]
        {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn a_url_that_does_not_name_one_host_is_refused() {
        for bad in ["", "api.example.com", "ftp://a.example", "https://*", "https://*.example.com"]
        {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
