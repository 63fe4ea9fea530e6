//! Table `cameras`. A removed camera stays as a row, so that the log can still name it.

use hausrecht_model::{CameraId, UnixMicros};
use rusqlite::{Row, params};

use crate::{Result, Tables, row};

/// A camera.
#[derive(Clone, Debug)]
pub struct CameraRow {
    /// Id.
    pub id: CameraId,
    /// Name in the window.
    pub name: String,
    /// WS-Discovery endpoint, or the address if it has none.
    pub endpoint: String,
    /// Device service that answered.
    pub xaddr: String,
    /// Maker.
    pub maker: String,
    /// Model.
    pub model: String,
    /// Firmware version.
    pub firmware: String,
    /// Simulated, of the demo.
    pub demo: bool,
    /// RTSP URI of the main stream, without credentials.
    pub main_uri: String,
    /// RTSP URI of the sub stream.
    pub sub_uri: Option<String>,
    /// User and password, sealed to this computer.
    pub sign_in: Vec<u8>,
    /// When added.
    pub added_us: UnixMicros,
    /// When removed.
    pub removed_us: Option<UnixMicros>,
    /// The camera's id of the profile that is recorded; `None` where it was chosen by size before this was kept.
    pub main_token: Option<String>,
    /// The camera's id of the profile for tiles.
    pub sub_token: Option<String>,
    /// SHA-256 of the certificate that the camera showed when it was added.
    pub certificate: Option<[u8; 32]>,
    /// Level of the account in use if Hausrecht made it.
    pub own_level: Option<String>,
    /// No camera, but the name under which imported clips stand.
    pub imported: bool,
}

const COLUMNS: &str = "id, name, endpoint, xaddr, maker, model, firmware, demo, main_uri, sub_uri, sign_in, added_us, removed_us, \
     main_token, sub_token, certificate, own_level, imported";

fn read(row: &Row<'_>) -> rusqlite::Result<CameraRow> {
    Ok(CameraRow {
        id: row::parsed(row, 0)?,
        name: row.get(1)?,
        endpoint: row.get(2)?,
        xaddr: row.get(3)?,
        maker: row.get(4)?,
        model: row.get(5)?,
        firmware: row.get(6)?,
        demo: row.get(7)?,
        main_uri: row.get(8)?,
        sub_uri: row.get(9)?,
        sign_in: row.get(10)?,
        added_us: row::time(row, 11)?,
        removed_us: row::time_opt(row, 12)?,
        main_token: row.get(13)?,
        sub_token: row.get(14)?,
        certificate: row.get(15)?,
        own_level: row.get(16)?,
        imported: row.get(17)?,
    })
}

impl Tables<'_> {
    /// Adds a camera, or replaces all that is known of it.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put_camera(&self, camera: &CameraRow) -> Result<()> {
        let sql = format!(
            "INSERT INTO cameras ({COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
             ON CONFLICT (id) DO UPDATE SET name = ?2, endpoint = ?3, xaddr = ?4, maker = ?5, model = ?6,
                 firmware = ?7, demo = ?8, main_uri = ?9, sub_uri = ?10, sign_in = ?11, removed_us = ?13,
                 main_token = ?14, sub_token = ?15, certificate = ?16, own_level = ?17, imported = ?18"
        );
        self.connection.execute(
            &sql,
            params![
                camera.id.to_string(),
                camera.name,
                camera.endpoint,
                camera.xaddr,
                camera.maker,
                camera.model,
                camera.firmware,
                camera.demo,
                camera.main_uri,
                camera.sub_uri,
                camera.sign_in,
                camera.added_us.0,
                camera.removed_us.map(|time| time.0),
                camera.main_token,
                camera.sub_token,
                camera.certificate,
                camera.own_level,
                camera.imported
            ],
        )?;
        Ok(())
    }

    /// All cameras in the order they were added, removed ones among them.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn cameras(&self) -> Result<Vec<CameraRow>> {
        let sql = format!("SELECT {COLUMNS} FROM cameras ORDER BY added_us, id");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
