//! The admin API's token, where none is configured.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::Path;

use uuid::Uuid;

/// Reads the token beside the store, or draws one and writes it there, for its owner's eyes only.
pub(super) fn read_or_draw(path: &Path) -> std::io::Result<String> {
    match std::fs::File::open(path) {
        Ok(mut file) => {
            let mut token = String::new();
            file.read_to_string(&mut token)?;
            let token = token.trim();
            if !token.is_empty() {
                return Ok(token.to_owned());
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // Two random UUIDs: 244 bits from the operating system.
    let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    // The mode above counts for new files only, and an empty one may have stood there.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    writeln!(file, "{token}")?;
    Ok(token)
}
