//! Why a request is denied: the reason codes of the log and of `Mantlet-Reason`.

use std::io::Write;

use http::StatusCode;
use mantlet_engine::REASONS;
use mantlet_proxy::wire::Fault;

/// One reason.
pub(super) struct Reason {
    /// `check.cause`
    pub(super) code: &'static str,
    pub(super) status: StatusCode,
    /// What the client is told.
    pub(super) detail: &'static str,
    /// What to do if the request should have passed; nothing helps against what the proxy refuses on the wire.
    fix: Option<&'static str>,
}

/// Those of the policy in the order of its checks, then those of the proxy's wire.
pub(super) fn all() -> impl Iterator<Item = Reason> {
    let policy = REASONS.iter().map(|reason| Reason {
        code: reason.code,
        status: reason.status,
        detail: reason.detail,
        fix: Some(reason.fix),
    });
    let wire = Fault::ALL.iter().map(|fault| Reason {
        code: fault.reason(),
        status: fault.status(),
        detail: fault.detail(),
        fix: None,
    });
    policy.chain(wire)
}

/// The reasons that `word` names: by the whole code, or by the check it is of.
pub(super) fn named(word: &str) -> Vec<Reason> {
    let check = |code: &'static str| code.split('.').next();
    let is_meant = |reason: &Reason| reason.code == word || check(reason.code) == Some(word);
    all().filter(is_meant).collect()
}

pub(super) fn explain(out: &mut impl Write, reasons: &[Reason]) -> std::io::Result<()> {
    for (i, reason) in reasons.iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{} (a reason of a denial)\n", reason.code)?;
        let reads = match reason.status.is_redirection() {
            true => "301 Moved Permanently for GET and HEAD, else ",
            false => "",
        };
        writeln!(out, "Answered  {reads}{}", reason.status)?;
        writeln!(out, "Told      {}", reason.detail)?;
        match reason.fix {
            Some(fix) => writeln!(out, "Remedy    {fix}")?,
            None => writeln!(
                out,
                "Remedy    none: mantlet serve refuses it on the wire, before any policy is asked"
            )?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_names_all_its_reasons_and_a_code_one() {
        for check in ["host", "origin", "isolation", "wire"] {
            let all = named(check);
            assert!(all.len() > 1, "{check}");
            for reason in all {
                assert!(reason.code.starts_with(check), "{}", reason.code);
                assert_eq!(named(reason.code).len(), 1, "{}", reason.code);
            }
        }
        assert!(named("hos").is_empty());
    }
}
