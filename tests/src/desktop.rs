//! The real window on a display of its own, driven over WebDriver: WebKit's driver starts the program, the test clicks and
//! types, and looks at what is on the screen.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    display::{Area, Display, Picture},
    process::{Owned, children_of, is_over},
    programs,
    until::{until, until_blocking},
};
use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use serde_json::{Value, json};

/// Size of the display, which the window fills.
pub const SCREEN: (u32, u32) = (1440, 900);
/// How long an element may take to appear.
const PATIENCE: Duration = Duration::from_secs(40);

/// A desktop with nothing on it but the program.
pub struct Desktop {
    /// The page, over WebDriver.
    pub page: Client,
    /// The display.
    pub display: Display,
    /// Where pictures of it are kept.
    pub pictures: PathBuf,
    /// Address of the session bus.
    pub bus_address: String,
    driver: Owned,
    _bus: Owned,
    home: tempfile::TempDir,
    own_vault: Option<tempfile::TempDir>,
}

impl Desktop {
    /// Starts the program over an empty data folder; `name` is the folder of its pictures.
    pub async fn start(name: &str) -> Self {
        let vault = tempfile::tempdir().unwrap();
        let mut desktop = Self::start_over(name, vault.path()).await;
        desktop.own_vault = Some(vault);
        desktop
    }

    /// Starts the program over the data folder `vault`.
    pub async fn start_over(name: &str, vault: &Path) -> Self {
        Self::start_with(name, vault, &[]).await
    }

    /// The same with files that it is to open.
    pub async fn start_with(name: &str, vault: &Path, files: &[PathBuf]) -> Self {
        let display = Display::start(SCREEN.0, SCREEN.1);
        let home = tempfile::tempdir().unwrap();
        let bus_address = format!("unix:path={}", home.path().join("bus").display());
        let mut bus = Command::new("dbus-daemon");
        bus.args(["--session", "--nofork", "--nopidfile", "--address", &bus_address]).stdin(Stdio::null());
        let bus = Owned::start(&mut bus);
        until_blocking("the session bus", PATIENCE, || {
            if home.path().join("bus").exists() { Ok(()) } else { Err("no socket") }
        });
        let port = free_port();
        let mut driver = Command::new("WebKitWebDriver");
        driver
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .env("DISPLAY", display.name())
            .env("DBUS_SESSION_BUS_ADDRESS", &bus_address)
            .env("HOME", home.path())
            .env("XDG_DATA_HOME", home.path().join("data"))
            .env("XDG_CONFIG_HOME", home.path().join("config"))
            .env("XDG_CACHE_HOME", home.path().join("cache"))
            .env("XDG_RUNTIME_DIR", home.path())
            // The list of plugins is made once, not by every worker of every test.
            .env("GST_REGISTRY", programs::artefacts("tests").join("gstreamer-registry.bin"))
            .env("GDK_BACKEND", "x11")
            .env("LANG", "C.UTF-8")
            .env("HAUSRECHT_NO_DIALOG", "true")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("HAUSRECHT_DATA");
        let driver = Owned::start(&mut driver);
        until_blocking("WebKit's driver", PATIENCE, || {
            std::net::TcpStream::connect(("127.0.0.1", port)).map(drop)
        });
        let arguments: Vec<_> =
            [Path::new("--data-dir"), vault].into_iter().chain(files.iter().map(PathBuf::as_path)).collect();
        let wish = json!({
            "webkitgtk:browserOptions": { "binary": programs::app(), "args": arguments }
        });
        let page = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(wish.as_object().unwrap().clone())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("the program starts under WebDriver");
        let pictures = programs::artefacts("screenshots").join(name);
        std::fs::create_dir_all(&pictures).unwrap();
        Self { page, display, pictures, bus_address, driver, _bus: bus, home, own_vault: None }
    }

    /// Process id of WebKit's driver, the parent of the program.
    pub fn driver_pid(&self) -> u32 {
        self.driver.0.id()
    }

    /// A program of this desktop: with its display, its bus and its home.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command
            .stdin(Stdio::null())
            .env("DISPLAY", self.display.name())
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus_address)
            .env("HOME", self.home.path())
            .env("XDG_CONFIG_HOME", self.home.path().join("config"))
            .env("XDG_RUNTIME_DIR", self.home.path())
            .env_remove("WAYLAND_DISPLAY");
        command
    }

    /// What the tiles say of their rate, in one line.
    pub async fn rates(&self) -> String {
        let script = "return [...document.querySelectorAll(\"[data-testid='tile-rate']\")].map(e => e.innerText).join(', ')";
        self.page.execute(script, Vec::new()).await.unwrap().as_str().unwrap_or_default().to_owned()
    }

    /// Ends the program in an orderly way, and waits until it has let go of its data folder.
    pub async fn close(self) {
        let programs = children_of(self.driver_pid(), "hausrecht-app");
        self.page.clone().close().await.expect("the session ends");
        Self::wait_for_end_of(&programs).await;
    }

    /// Waits until nothing of these processes is left.
    pub async fn wait_for_end_of(programs: &[u32]) {
        until("the program to have ended", PATIENCE, async || {
            let left: Vec<u32> = programs.iter().copied().filter(|pid| !is_over(*pid)).collect();
            if left.is_empty() { Ok(()) } else { Err(left) }
        })
        .await;
    }

    /// Waits for the element with this `data-testid`.
    pub async fn find(&self, id: &str) -> Element {
        self.find_by(&format!("[data-testid='{id}']")).await
    }

    /// Waits for the element that fits the CSS selector.
    pub async fn find_by(&self, selector: &str) -> Element {
        until(selector, PATIENCE, async || match self.page.find(Locator::Css(selector)).await {
            Ok(element) => Ok(element),
            Err(error) => {
                let page = self.page.execute("return document.body.innerText", Vec::new()).await;
                Err(format!("{error}; on the page: {page:?}"))
            }
        })
        .await
    }

    /// All elements that fit the CSS selector now.
    pub async fn all(&self, selector: &str) -> Vec<Element> {
        self.page.find_all(Locator::Css(selector)).await.unwrap()
    }

    /// Waits until exactly `count` elements fit the CSS selector.
    pub async fn wait_for_count(&self, selector: &str, count: usize, patience: Duration) -> Vec<Element> {
        until(&format!("{count} of {selector}"), patience, async || {
            // A page that draws itself anew under the question gives an error; the next look finds what is there then.
            match self.page.find_all(Locator::Css(selector)).await {
                Ok(found) if found.len() == count => Ok(found),
                Ok(found) => Err(found.len().to_string()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await
    }

    /// Waits until no element has this `data-testid` any more.
    pub async fn wait_until_gone(&self, id: &str) {
        self.wait_for_count(&format!("[data-testid='{id}']"), 0, PATIENCE).await;
    }

    /// Clicks the element with this `data-testid`, as soon as it can be.
    pub async fn click(&self, id: &str) {
        self.click_by(&format!("[data-testid='{id}']")).await;
    }

    /// Clicks the element that fits the CSS selector, as soon as it can be.
    pub async fn click_by(&self, selector: &str) {
        until(&format!("{selector} to be clicked"), PATIENCE, async || {
            let element = self.find_by(selector).await;
            if !element.is_enabled().await.unwrap_or(false) {
                return Err("disabled".to_owned());
            }
            self.rests(&element).await?;
            // A page that has just drawn itself anew leaves a stale element behind; the next look finds the new one.
            element.click().await.map_err(|error| error.to_string())
        })
        .await;
    }

    /// Whether the element stands still over two frames: a person aims at what rests, and a driver that aims at what moves misses.
    async fn rests(&self, element: &Element) -> Result<(), String> {
        let script = "const [element, done] = arguments; \
                      const at = () => { const r = element.getBoundingClientRect(); return [r.x, r.y, r.width, r.height].join() }; \
                      const first = at(); const frame = (then) => Promise.race([new Promise(requestAnimationFrame), \
                      new Promise((late) => setTimeout(late, 100))]).then(then); \
                      frame(() => frame(() => done(at() === first && element.isConnected)))";
        let element = serde_json::to_value(element).map_err(|error| error.to_string())?;
        match self.page.execute_async(script, vec![element]).await {
            Ok(rests) if rests == true => Ok(()),
            Ok(_) => Err("it moves".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Types into the field with this `data-testid`, replacing what is there.
    pub async fn fill(&self, id: &str, text: &str) {
        let field = self.find(id).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
        until(&format!("{id} to hold what was typed"), PATIENCE, async || match field.prop("value").await {
            Ok(Some(value)) if value == text => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
    }

    /// Chooses `value` in the group of choices with this `data-testid`.
    pub async fn choose(&self, id: &str, value: &str) {
        self.click_by(&format!("[data-testid='{id}'] [data-value='{value}']")).await;
    }

    /// The text of the element with this `data-testid`.
    pub async fn text(&self, id: &str) -> String {
        self.find(id).await.text().await.unwrap()
    }

    /// Waits until the text of the element with this `data-testid` fits.
    pub async fn wait_for_text(&self, id: &str, patience: Duration, fits: impl Fn(&str) -> bool) -> String {
        until(&format!("the text of {id}"), patience, async || {
            let text = self.page.execute(
                "const e = document.querySelector(`[data-testid='${arguments[0]}']`); return e ? e.innerText : null",
                vec![json!(id)],
            );
            match text.await {
                Ok(Value::String(text)) if fits(&text) => Ok(text),
                other => Err(format!("{other:?}")),
            }
        })
        .await
    }

    /// Keeps a picture of the whole display, as soon as the page has drawn what it has to draw.
    pub async fn keep(&self, name: &str) -> Picture {
        let drawn =
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done(true)))";
        self.page.execute_async(drawn, Vec::new()).await.unwrap();
        let nav = Area { x: 0, y: 0, width: 200, height: SCREEN.1 };
        let mut before = self.display.picture();
        // The frame travels to the display on its own; it is there when nothing beside the pictures changes any more.
        until("the display to settle", PATIENCE, async || {
            let now = self.display.picture();
            let changed = now.changed(&before, nav);
            before = now;
            if changed == 0.0 { Ok(()) } else { Err(changed) }
        })
        .await;
        before.save(&self.pictures.join(format!("{name}.png"))).unwrap();
        before
    }

    /// Where the `index`th element that fits `selector` is on the screen.
    pub async fn area(&self, selector: &str, index: usize) -> Area {
        let script = "const r = document.querySelectorAll(arguments[0])[arguments[1]].getBoundingClientRect(); \
                      return [r.left, r.top, r.width, r.height]";
        let value = self.page.execute(script, vec![json!(selector), json!(index)]).await.unwrap();
        let numbers: Vec<u32> =
            value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap().round() as u32).collect();
        Area { x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3] }
    }

    /// Waits until pixels inside `area` change, and gives the part of them that did.
    pub async fn wait_until_moves(&self, what: &str, area: Area, least: f64) -> f64 {
        let before = self.display.picture();
        until(&format!("{what} to move"), PATIENCE, async || {
            let part = self.display.picture().changed(&before, area);
            if part >= least { Ok(part) } else { Err(part) }
        })
        .await
    }
}

/// The part of `area` that a picture of 16:9 takes in it.
pub fn fitted(area: Area) -> Area {
    let (width, height) = if area.width * 9 > area.height * 16 {
        (area.height * 16 / 9, area.height)
    } else {
        (area.width, area.width * 9 / 16)
    };
    Area { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// Where the simulated camera burns its clock into a picture that takes `area`: within 1320..1872 by 880..1032 of 1920x1080.
pub fn clock_in(area: Area) -> Area {
    let across = |pixels: u32| pixels * area.width / 1920;
    let down = |pixels: u32| pixels * area.height / 1080;
    Area { x: area.x + across(1320), y: area.y + down(880), width: across(552), height: down(152) }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
