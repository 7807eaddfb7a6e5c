//! `mantlet schema`: the JSON Schema of the policy file.

use std::io::Write;

use clap::Args;

use crate::Failure;

/// Print the JSON Schema of the policy file, for editors
///
/// Save it and name it in the first line of the policy file: `#:schema mantlet.schema.json`.
#[derive(Args)]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "{}",
            serde_json::to_string_pretty(&mantlet_config::json_schema())?
        )?;
        Ok(())
    }
}
