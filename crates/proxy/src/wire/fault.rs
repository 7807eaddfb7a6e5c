//! Why the gate turns a request away.

use http::StatusCode;

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $name:ident = $reason:literal, $status:ident, $detail:literal;)+) => {
        /// Why the gate turns a request away.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Fault {
            /// Every fault, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The stable code: for logs and tests.
            pub const fn reason(self) -> &'static str {
                match self { $(Self::$name => $reason),+ }
            }

            /// The status of the answer.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            /// One sentence for the client.
            pub const fn detail(self) -> &'static str {
                match self { $(Self::$name => $detail),+ }
            }
        }
    };
}

faults! {
    /// Not the grammar of a request head.
    Syntax = "wire.syntax", BAD_REQUEST, "The request head is malformed.";
    /// A line that ends with LF alone (RFC 9112 section 2.2 lets a recipient accept it; recipients differ).
    BareLf = "wire.bare-lf", BAD_REQUEST, "A line of the request head does not end with CR LF.";
    /// A field that continues on the next line (RFC 9112 section 5.2).
    Folded = "wire.obs-fold", BAD_REQUEST, "A field of the request is folded over lines.";
    /// Not HTTP/1.0 or HTTP/1.1.
    Version = "wire.version", BAD_REQUEST, "The protocol version is not HTTP/1.0 or HTTP/1.1.";
    /// A head of more than 64 KiB.
    TooLarge = "wire.head-too-large", REQUEST_HEADER_FIELDS_TOO_LARGE, "The request head is too large.";
    /// More than 100 fields.
    TooMany = "wire.too-many-fields", REQUEST_HEADER_FIELDS_TOO_LARGE, "The request has too many fields.";
    /// A head that took too long.
    Timeout = "wire.head-timeout", REQUEST_TIMEOUT, "The request head did not come in time.";
    /// CONNECT: this is no tunnel.
    Connect = "wire.connect", METHOD_NOT_ALLOWED, "CONNECT is not allowed.";
    /// TRACE: it would echo fields that the client itself may not read.
    Trace = "wire.trace", METHOD_NOT_ALLOWED, "TRACE is not allowed.";
    /// A target in none of the forms of RFC 9112 section 3.2, or with a fragment.
    Target = "wire.target", BAD_REQUEST, "The request target is malformed.";
    /// An absolute-form target whose authority is not the Host.
    Authority = "wire.authority", BAD_REQUEST, "The request target and Host differ.";
    /// No Host (RFC 9112 section 3.2).
    HostMissing = "wire.host-missing", BAD_REQUEST, "The request has no Host.";
    /// More than one Host.
    HostRepeated = "wire.host-repeated", BAD_REQUEST, "The request has more than one Host.";
    /// A Host that cannot be one.
    Host = "wire.host", BAD_REQUEST, "Host is malformed.";
    /// A Content-Length that is no number.
    Length = "wire.length", BAD_REQUEST, "Content-Length is malformed.";
    /// More than one Content-Length, equal or not.
    LengthRepeated = "wire.length-repeated", BAD_REQUEST, "The request has more than one Content-Length.";
    /// A Transfer-Encoding other than `chunked` alone, or with HTTP/1.0.
    Encoding = "wire.encoding", BAD_REQUEST, "Transfer-Encoding is not chunked alone.";
    /// More than one Transfer-Encoding.
    EncodingRepeated = "wire.encoding-repeated", BAD_REQUEST, "The request has more than one Transfer-Encoding.";
    /// Content-Length and Transfer-Encoding (RFC 9112 section 6.1).
    LengthAndEncoding = "wire.length-and-encoding", BAD_REQUEST, "The request has both Content-Length and Transfer-Encoding.";
    /// Upgrade and a body: nobody knows where the new protocol starts.
    UpgradeBody = "wire.upgrade-body", BAD_REQUEST, "The request has both Upgrade and a body.";
    /// A name with `_`, or another character that applications make `_` of, which they read as one with `-` that matters.
    Underscore = "wire.underscore", BAD_REQUEST, "A field name stands for another field.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_unique_and_statuses_are_client_errors() {
        for (i, fault) in Fault::ALL.iter().enumerate() {
            assert!(fault.reason().starts_with("wire."));
            assert!(fault.status().is_client_error());
            let same = |other: &&Fault| other.reason() == fault.reason();
            assert_eq!(Fault::ALL.iter().position(|f| same(&f)), Some(i));
        }
    }
}
