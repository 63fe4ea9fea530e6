//! The page in a package that says what it is and how it is checked, in German and English, without a script and without
//! anything from elsewhere.

use std::fmt::Write;

use percent_encoding::AsciiSet;

use super::{GIVEN, Manifest};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:820px;margin:32px auto;padding:0 20px;color:#16202a;background:#fff}\
h1{font-size:26px}h2{font-size:19px;margin-top:36px;border-top:1px solid #d5dbe1;padding-top:20px}\
table{border-collapse:collapse;width:100%;font-size:14px}td,th{text-align:left;padding:6px 10px 6px 0;border-bottom:1px solid #e4e8ec;vertical-align:top}\
code,pre{font:13px/1.45 ui-monospace,monospace;background:#f1f4f6;border-radius:4px}code{padding:1px 4px}pre{padding:12px;overflow:auto}\
.m{color:#55626e}video{width:100%;background:#000;border-radius:8px;margin:6px 0}.w{overflow-wrap:anywhere}\
@media(prefers-color-scheme:dark){body{background:#10161c;color:#e6ebf0}code,pre{background:#1b242d}td,th,h2{border-color:#2a3540}.m{color:#9fb0bf}}";

/// What the page says in one language.
struct Words {
    lang: &'static str,
    title: &'static str,
    what: &'static str,
    facts: [&'static str; 6],
    film: [&'static str; 5],
    anew: &'static str,
    check: &'static str,
    easy: &'static str,
    steps: [&'static str; 4],
    shows: &'static str,
    shown: [&'static str; 4],
}

const ENGLISH: Words = Words {
    lang: "en",
    title: "A copy of recordings",
    what: "These films were given to you out of Hausrecht, in which the owner of the cameras keeps recordings. Please treat them as what they are: pictures of people. Use them for the purpose below, and erase them when it is done with.",
    facts: ["Given to", "Purpose", "Made", "On every picture", "Log", "Entry of the order"],
    film: ["Film", "Camera", "First picture (UTC)", "Length", "Pictures"],
    anew: "encoded anew",
    check: "How to check it",
    easy: "The easy way, without a network and without an account: <code>hausrecht open PACKAGE</code>, or a double click where Hausrecht is installed. The same by hand, with programs that have nothing to do with Hausrecht:",
    steps: [
        "Unpack. <code>age</code> asks for the passphrase, or takes your key with <code>-i</code>:",
        "Nothing was changed since it was packed:",
        "The log of the owner says that just this was given. The second command must print the <code>manifest_sha256</code> that stands in the entry:",
        "Each clip that the films were cut from stands in the log since it was recorded:",
    ],
    shows: "What that shows, and what it does not",
    shown: [
        "The films are those that the owner's Hausrecht packed, and its log has an entry of it that cannot be taken out again unseen.",
        "The clips were in the log before the package was made, with the time of the computer that recorded them and the SHA-256 of the sealed clip. The films are cut from those clips; where a film says so, pictures were encoded anew.",
        "Whose log it is the file cannot show. Compare the key below with one that you were told another way, or with a checkpoint that somebody photographed.",
        "It does not show that the camera's clock was right, nor what lay before the camera.",
    ],
};

const GERMAN: Words = Words {
    lang: "de",
    title: "Eine Kopie von Aufnahmen",
    what: "Diese Filme wurden Ihnen aus Hausrecht gegeben, worin der Inhaber der Kameras Aufnahmen verwahrt. Bitte behandeln Sie sie als das, was sie sind: Bilder von Menschen. Verwenden Sie sie für den unten genannten Zweck, und löschen Sie sie, wenn er erfüllt ist.",
    facts: ["Gegeben an", "Zweck", "Erstellt", "Auf jedem Bild", "Protokoll", "Eintrag des Auftrags"],
    film: ["Film", "Kamera", "Erstes Bild (UTC)", "Länge", "Bilder"],
    anew: "neu kodiert",
    check: "Wie Sie das prüfen",
    easy: "Am einfachsten, ohne Netz und ohne Konto: <code>hausrecht open PAKET</code> oder ein Doppelklick, wo Hausrecht installiert ist. Dasselbe von Hand, mit Programmen, die mit Hausrecht nichts zu tun haben:",
    steps: [
        "Auspacken. <code>age</code> fragt nach der Passphrase oder nimmt mit <code>-i</code> Ihren Schlüssel:",
        "Seit dem Packen wurde nichts verändert:",
        "Das Protokoll des Inhabers sagt, dass genau das gegeben wurde. Der zweite Befehl muss die <code>manifest_sha256</code> ausgeben, die im Eintrag steht:",
        "Jede Aufnahme, aus der die Filme geschnitten sind, steht im Protokoll, seit sie aufgezeichnet wurde:",
    ],
    shows: "Was das zeigt und was nicht",
    shown: [
        "Die Filme sind die, die das Hausrecht des Inhabers gepackt hat, und sein Protokoll hat darüber einen Eintrag, der nicht ungesehen wieder verschwinden kann.",
        "Die Aufnahmen standen im Protokoll, bevor das Paket erstellt wurde, mit der Zeit des Computers, der sie aufzeichnete, und der SHA-256 der versiegelten Aufnahme. Die Filme sind aus diesen Aufnahmen geschnitten; wo es bei einem Film steht, wurden Bilder neu kodiert.",
        "Wessen Protokoll es ist, kann die Datei nicht zeigen. Vergleichen Sie den Schlüssel unten mit einem, der Ihnen auf anderem Weg genannt wurde, oder mit einem fotografierten Prüfpunkt.",
        "Es zeigt nicht, dass die Uhr der Kamera richtig ging, und nicht, was vor der Kamera lag.",
    ],
};

/// What stays as it is in the address of a link.
const KEPT: AsciiSet = percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

/// The page of a package.
pub(super) fn page(manifest: &Manifest) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"de\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; media-src 'self' file:\">\
         <title>{}</title><style>{STYLE}</style></head><body>\n",
        GERMAN.title
    );
    for words in [&GERMAN, &ENGLISH] {
        section(&mut html, manifest, words);
    }
    html.push_str("</body></html>\n");
    html
}

fn section(html: &mut String, manifest: &Manifest, words: &Words) {
    let mut out = |text: String| html.push_str(&text);
    out(format!("<section lang=\"{}\"><h1>{}</h1><p>{}</p><table>", words.lang, words.title, words.what));
    let log = format!("<code class=\"w\">{}</code>", escaped(&manifest.log_key));
    let facts = [
        escaped(&manifest.recipient),
        escaped(&manifest.purpose),
        utc(manifest.made_us.0),
        escaped(manifest.caption.as_deref().unwrap_or_default()),
        log,
        manifest.ordered.to_string(),
    ];
    for (name, value) in words.facts.iter().zip(facts).filter(|(_, value)| !value.is_empty()) {
        out(format!("<tr><th>{name}</th><td>{value}</td></tr>"));
    }
    out("</table><p></p>".into());
    let head: String = words.film.iter().fold(String::new(), |mut head, name| {
        let _ = write!(head, "<th>{name}</th>");
        head
    });
    out(format!("<table><tr>{head}</tr>"));
    for film in &manifest.films {
        let encoded =
            if film.encoded > 0 { format!(" ({} {})", film.encoded, words.anew) } else { String::new() };
        out(format!(
            "<tr><td class=\"w\"><a href=\"{}\">{}</a></td><td>{}</td><td>{}</td><td>{:.3} s</td><td>{}{encoded}</td></tr>",
            href(&film.path),
            escaped(film.path.trim_start_matches("films/")),
            escaped(&film.camera_name),
            utc(film.from_us.0),
            film.duration_us as f64 / 1e6,
            film.pictures,
        ));
    }
    out("</table>".into());
    if words.lang == GERMAN.lang {
        for film in manifest.films.iter().take(20) {
            out(format!("<video controls preload=\"none\" src=\"{}\"></video>", href(&film.path)));
        }
    }
    out(format!("<h2>{}</h2><p>{}</p><ol>", words.check, words.easy));
    let commands = [
        "age -d PACKAGE.hausrecht | tar -x\ncd hausrecht-package".to_owned(),
        "sha256sum -c SHA256SUMS".to_owned(),
        format!(
            "python3 log/proof.py \"$(cat log/key.txt)\" {GIVEN}.proof {GIVEN}.json\nsha256sum manifest.json; cat {GIVEN}.json"
        ),
        "for n in log/recorded/*.json; do\n  python3 log/proof.py \"$(cat log/key.txt)\" \"${n%.json}.proof\" \"$n\"\ndone".to_owned(),
    ];
    for (step, command) in words.steps.iter().zip(commands) {
        out(format!("<li>{step}<pre>{}</pre></li>", escaped(&command)));
    }
    out(format!("</ol><h2>{}</h2><ul>", words.shows));
    for line in words.shown {
        out(format!("<li>{line}</li>"));
    }
    out("</ul></section>\n".into());
}

fn utc(us: i64) -> String {
    jiff::Timestamp::from_microsecond(us)
        .map_or_else(|_| us.to_string(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A path as the address of a link in the page.
fn href(path: &str) -> String {
    percent_encoding::utf8_percent_encode(path, &KEPT).to_string()
}
