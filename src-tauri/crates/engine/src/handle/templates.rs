//! Templates: named sets of terms, such as "Family". A template is only a way to fill a grant in; who may view what is said by
//! grants alone, and changing a template changes none.

use std::sync::Arc;

use hausrecht_ledger::Kind;
use hausrecht_model::{Hours, Right};

use super::Handle;
use crate::{
    Result,
    logbook::Note,
    wire::{Error, Language, Template},
};

/// Where they are kept.
const KEY: &str = "templates";
const MANY: usize = 40;
const NAME_MAX: usize = 40;

impl Handle {
    /// The templates: those that the owner made or changed, else three to begin with.
    ///
    /// # Errors
    /// Only the owner.
    pub async fn templates(&self) -> Result<Vec<Template>> {
        self.inner.signed_in()?.owner_keys()?;
        let text = self.inner.db.read(|tables| Ok(tables.meta(KEY)?)).await?;
        match text {
            Some(text) => Ok(serde_json::from_str(&text)?),
            None => Ok(usual(self.settings().language == Language::De)),
        }
    }

    /// Keeps the templates as they are given.
    ///
    /// # Errors
    /// Only the owner; two of the same name, or terms that make no sense.
    pub async fn keep_templates(&self, templates: Vec<Template>) -> Result<Vec<Template>> {
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        if templates.len() > MANY {
            return Err(Error::invalid(format!("{MANY} templates at most")));
        }
        let mut names = Vec::new();
        let mut kept = Vec::new();
        for mut template in templates {
            template.name = template.name.trim().to_owned();
            check(&template)?;
            let name = template.name.to_lowercase();
            if names.contains(&name) {
                return Err(Error::invalid(format!("there are two templates “{}”", template.name)));
            }
            names.push(name);
            kept.push(template);
        }
        let text = serde_json::to_string(&kept)?;
        let note =
            Note::new(Kind::SettingChanged).by(person.id).fact("setting", "templates").fact("to", kept.len());
        let writer = Arc::clone(&self.inner);
        self.inner
            .db
            .write(move |tables| {
                tables.set_meta(KEY, &text)?;
                writer.logbook.append(tables, &note, Some(&keys))
            })
            .await?;
        Ok(kept)
    }
}

fn check(template: &Template) -> Result<()> {
    let name = &template.name;
    if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        return Err(Error::invalid(format!("the name of a template has 1 to {NAME_MAX} characters")));
    }
    if template.rights.is_empty() {
        return Err(Error::invalid(format!("“{name}” allows nothing: a template allows at least one thing")));
    }
    if template.rights.contains(&Right::Copy) && !template.rights.contains(&Right::Playback) {
        return Err(Error::invalid(format!("“{name}”: whoever may copy clips may play them")));
    }
    if template.back_hours.is_some_and(|hours| !(1..=8784).contains(&hours)) {
        return Err(Error::invalid(format!("“{name}”: a look back is 1 to 8784 hours")));
    }
    if template.days.is_some_and(|days| !(1..=3660).contains(&days)) {
        return Err(Error::invalid(format!("“{name}”: it holds for 1 to 3660 days, or until taken back")));
    }
    if template.hours.is_some_and(|hours| !hours.is_valid()) {
        return Err(Error::invalid(format!("“{name}”: the hours name a day, and minutes of a day")));
    }
    Ok(())
}

/// Three to begin with.
fn usual(german: bool) -> Vec<Template> {
    let name = |en: &str, de: &str| if german { de.to_owned() } else { en.to_owned() };
    let plain = |name: String, rights: &[Right]| Template {
        name,
        rights: rights.to_vec(),
        back_hours: None,
        hours: None,
        days: None,
        cameras: Vec::new(),
    };
    vec![
        Template {
            back_hours: Some(72),
            ..plain(
                name("Family", "Familie"),
                &[Right::Live, Right::Playback, Right::Ptz, Right::Talk, Right::Snapshot],
            )
        },
        Template {
            hours: Some(Hours {
                days: [true, true, true, true, true, true, false],
                from_min: 8 * 60,
                to_min: 20 * 60,
            }),
            ..plain(name("Staff", "Mitarbeitende"), &[Right::Live])
        },
        Template {
            back_hours: Some(12),
            hours: Some(Hours { days: [true; 7], from_min: 22 * 60, to_min: 6 * 60 }),
            ..plain(name("Night guard", "Nachtwache"), &[Right::Live, Right::Playback, Right::Ptz])
        },
    ]
}
