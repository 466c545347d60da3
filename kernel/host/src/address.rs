//! Where a provider is, and what follows from it: the one rule its requests go by, and the one host its
//! credential is bound to.

use openkoi_core::pattern::{HttpRule, PatternError};

/// Why a base URL cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It has no scheme that is spoken.
    #[error("`{0}` is not a base URL: it starts with `https://` or `http://`")]
    Scheme(String),
    /// It stands for more than one host.
    #[error("`{0}` is not a base URL: it names one host")]
    Wildcard(String),
    /// It cannot be made a rule.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

/// The base URL of a provider.
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
    /// Says what is wrong with it.
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
    #[must_use]
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Returns the rule that covers the base URL and what is below it, and nothing else.
    #[must_use]
    pub(crate) fn rule(&self) -> &HttpRule {
        &self.rule
    }

    /// Returns the host that a credential is bound to, with the port unless it is the scheme's own.
    #[must_use]
    pub(crate) fn binding(&self) -> String {
        let usual = if self.rule.secure { 443 } else { 80 };
        if self.rule.port == usual {
            self.rule.host.to_string()
        } else {
            format!("{}:{}", self.rule.host, self.rule.port)
        }
    }

    /// Returns whether it is on this machine or in a private network, as the user wrote it.
    #[must_use]
    pub(crate) fn is_local(&self) -> bool {
        self.rule.private
    }

    /// Returns whether the connection is private to both ends.
    #[must_use]
    pub(crate) fn is_safe(&self) -> bool {
        self.rule.secure || self.rule.private
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_covers_what_is_below_it_and_nothing_else() {
        let address = Address::parse("https://api.example.com/v1/").unwrap();

        assert_eq!(address.base(), "https://api.example.com/v1");
        assert_eq!(address.rule().to_string(), "https://api.example.com/v1/**");
        assert_eq!(address.binding(), "api.example.com");
        assert!(address.is_safe() && !address.is_local());
    }

    #[test]
    fn a_local_address_is_known_by_how_it_is_written() {
        let address = Address::parse("http://127.0.0.1:11434").unwrap();

        assert_eq!(address.binding(), "127.0.0.1:11434");
        assert!(address.is_local() && address.is_safe());
        assert!(!Address::parse("http://api.example.com").unwrap().is_safe());
    }

    #[test]
    fn what_names_no_single_host_is_refused() {
        for bad in ["", "api.example.com", "ftp://a.example", "https://*", "https://*.example.com"]
        {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
