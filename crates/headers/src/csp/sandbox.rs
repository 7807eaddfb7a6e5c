//! The flags of the `sandbox` directive: HTML's sandboxing tokens.
//!
//! <https://html.spec.whatwg.org/multipage/iframe-embed-object.html#attr-iframe-sandbox>

use super::directive::{Findings, Unique};
use super::token::Token;
use super::words::words;
use crate::suggest::suggest;

words! {
    /// One freedom that a sandboxed page keeps.
    SandboxFlag {
        AllowDownloads = "allow-downloads", "Downloads.";
        AllowForms = "allow-forms", "Submitting forms.";
        AllowModals = "allow-modals", "Dialogs that block, such as alert().";
        AllowOrientationLock = "allow-orientation-lock", "Locking the screen orientation.";
        AllowPointerLock = "allow-pointer-lock", "Locking the pointer.";
        AllowPopups = "allow-popups", "Opening windows.";
        AllowPopupsToEscapeSandbox = "allow-popups-to-escape-sandbox", "Opened windows are not sandboxed.";
        AllowPresentation = "allow-presentation", "Starting a presentation.";
        AllowSameOrigin = "allow-same-origin", "Keeping the origin, with its cookies and storage.";
        AllowScripts = "allow-scripts", "Scripts.";
        AllowStorageAccessByUserActivation = "allow-storage-access-by-user-activation",
            "Asking for storage access.";
        AllowTopNavigation = "allow-top-navigation", "Navigating the top-level window.";
        AllowTopNavigationByUserActivation = "allow-top-navigation-by-user-activation",
            "Navigating the top-level window after a click.";
        AllowTopNavigationToCustomProtocols = "allow-top-navigation-to-custom-protocols",
            "Navigating to external applications.";
    }
}

pub(crate) fn read(tokens: &[Token<'_>], findings: &mut Findings) -> Vec<SandboxFlag> {
    let mut flags = Unique::new();
    for (index, token) in tokens.iter().enumerate() {
        let Some(flag) = SandboxFlag::from_word(token.text) else {
            let message = format!("{:?} is no sandbox flag: a browser ignores it", token.text);
            let fault = token.error("csp.unknown-sandbox-flag", message);
            let known = SandboxFlag::ALL.iter().map(|flag| flag.as_str());
            let fault = match suggest(token.text, known) {
                Some(known) => fault.hint(known),
                None => fault,
            };
            findings.at(index, fault);
            continue;
        };
        flags.push(flag, index, token, findings);
    }
    flags.into_vec()
}
