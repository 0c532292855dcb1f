"""Promises of the page: one file that needs nothing else, fits every screen, and lets no agent's words act."""

import copy
import html as markup
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from analytics.page import html, phrase
from analytics.report import markdown
from orchestrator.home import Home
from orchestrator.models import Usage
from tests.history import PLAN, History, everything, use_powers, work

HOSTILE = "</style></title><script>document.body.innerHTML=''</script><img src=x onerror=alert(1)> \x1b[31m\u202e'\"&"
LONG = "a/very/long/path" * 40
WIDTHS = (375, 1440)
FRAMED = """<!doctype html><title>frames</title><body>{frames}<script>
addEventListener("load", () => {{
  for (const frame of document.querySelectorAll("iframe"))
    for (const part of frame.contentDocument.querySelectorAll("details")) part.open = true;
  const seen = [...document.querySelectorAll("iframe")].map(({{contentDocument: page, contentWindow: window}}) => ({{
    width: window.innerWidth,
    content: page.documentElement.scrollWidth,
    sections: page.querySelectorAll("section").length,
    scripts: page.querySelectorAll("script, img").length,
    outside: [...page.querySelectorAll("body *")].filter(part => !part.closest(".scroll")
      && part.getBoundingClientRect().right > window.innerWidth + 1).map(part => part.outerHTML.slice(0, 120)),
  }}));
  document.body.textContent = JSON.stringify(seen);
}});
</script>"""


class Elements(HTMLParser):
    """Collect every element with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element's name and attributes."""
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Hold a run in which everything happened, and everyone wrote what they should not."""
    home = Home(tmp_path_factory.mktemp("hostile"))
    history = everything(home)
    use_powers(history)
    plan: dict[str, Any] = copy.deepcopy(PLAN)
    plan["name"] = f"ends {HOSTILE}"
    plan["phases"][1]["name"] = plan["components"][2]["name"] = LONG
    for task in plan["tasks"]:
        task["title"] = HOSTILE + LONG
    history.run = "run-2"
    history.begin(plan=plan)
    ref = work("3.2", f"watcher-{HOSTILE}")
    history.session(ref, Usage(input_tokens=10**9), model=HOSTILE)
    history.check(ref, "answer", problem=HOSTILE + LONG)
    history.verdict(ref, HOSTILE, "veto", HOSTILE + LONG)
    history.ruling(ref, "veto", HOSTILE)
    conflict = {"files": [LONG, HOSTILE], "tasks": ["1.2"], "onto": "f" * 40, "attempt": 1, "round": 1}
    history.event("conflict", "k/1", conflict, task="3.2", key=ref.key, agent="coder")
    history.outcome(ref, "failed", HOSTILE + LONG)
    sides = [{"id": HOSTILE, "agent": HOSTILE, "task": "1.1", "text": HOSTILE}] * 2
    data = {"about": "interface", "subject": HOSTILE + LONG, "sides": sides, "state": "open", "reason": HOSTILE}
    history.event("contradiction", "c/9", {**data, "kept": None, "by": None, "rule": None})
    return home


@pytest.fixture(scope="module")
def page(hostile: Home) -> str:
    """Hold the page on that run."""
    return html(hostile)


def test_the_page_fits_a_phone_and_a_desk_without_a_word_on_the_console(page: str, tmp_path: Path) -> None:
    """In a real browser nothing is wider than the screen, nothing is refused, and no agent's markup became an element.

    A script or an image that got in would be refused by the page's policy, and the browser would say so.
    """
    frames = "".join(
        f'<iframe width="{width}" height="900" srcdoc="{markup.escape(page, quote=True)}"></iframe>' for width in WIDTHS
    )
    (tmp_path / "frames.html").write_text(FRAMED.format(frames=frames))

    seen, console = browsed(tmp_path / "frames.html", tmp_path)

    assert console == []
    assert [frame["width"] for frame in seen] == list(WIDTHS)
    for frame in seen:
        assert frame["content"] <= frame["width"], frame["outside"]
        assert (frame["outside"], frame["scripts"]) == ([], 0)
        assert frame["sections"] >= 13


def browsed(path: Path, folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Open a page in headless Chromium; return what its script left in the body, and what the console said."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert browser, "no Chromium here; run scripts/install-packages --tests"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--window-size=1600,1000"]
    command = [browser, *options, f"--user-data-dir={folder / 'browser'}", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    body = re.search(r"<body>(.*)</body>", done.stdout, re.DOTALL)
    assert body, done.stderr
    return json.loads(markup.unescape(body[1])), [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_nothing_is_fetched_and_nothing_runs(page: str) -> None:
    """No element names another place or a script, no attribute is code, and the policy forbids the rest."""
    elements = Elements()
    elements.feed(page)

    names = {name for name, _ in elements.found}
    attributes = {name for _, given in elements.found for name in given}
    policy = next(given["content"] for _, given in elements.found if given.get("http-equiv"))
    links = [given["href"] for _, given in elements.found if given.get("href")]
    assert not names & {"script", "img", "image", "link", "iframe", "object", "base", "form"}
    assert not {name for name in attributes if name.startswith("on") or name in ("src", "style", "xlink:href")}
    assert policy and policy.startswith("default-src 'none'; style-src 'sha256-")
    assert links and all(link and link.startswith("#") for link in links)
    assert "url(" not in page and "@import" not in page


def test_every_link_leads_to_a_section(page: str) -> None:
    """The names in the navigation are those of headings."""
    targets: list[str] = re.findall(r'<a href="#([^"]+)"', page)

    assert targets
    assert [name for name in targets if f'id="{name}"' not in page] == []


def test_words_of_agents_stay_words(page: str) -> None:
    """What they wrote is there to be read, without control characters and with every bracket escaped."""
    assert "&lt;script&gt;document.body" in page
    assert not {letter for letter in page if not letter.isprintable() and letter != "\n"}


def test_a_command_to_type_is_code(page: str) -> None:
    """What lifts a risk names its command so that it can be copied, and nothing in it is markup."""
    assert "<code>mbo waive 3.2 --reason …</code>" in page.partition("Risk assessment")[2].partition("Next steps")[0]
    assert phrase("`mbo <i>` <b>") == "<code>mbo &lt;i&gt;</code> &lt;b&gt;"


def test_the_page_tells_what_the_text_tells(hostile: Home, page: str) -> None:
    """The same figures stand in both, and what was scripted or bare is said at the top."""
    text = markdown(hostile)

    assert "**Merged 4 of 7 tasks**" in text
    assert "<strong>4</strong> of 7 tasks merged" in page
    head = page.partition("<main>")[0]
    assert "were scripted by a playbook" in head and "was not isolated from this machine" in head


def test_the_same_journal_gives_the_same_page(hostile: Home, page: str, tmp_path: Path) -> None:
    """Byte for byte, in a home elsewhere and from a new database."""
    elsewhere = Home(tmp_path / "copy")
    elsewhere.shared.mkdir(parents=True)
    shutil.copy(hostile.metrics, elsewhere.metrics)

    assert html(elsewhere) == page


@pytest.mark.parametrize("phase", [None, 2], ids=["all", "two"])
def test_a_build_that_has_only_begun_has_a_page(home: Home, phase: int | None) -> None:
    """Nothing in it needs anything to have happened."""
    History(home).begin()

    page = html(home, phase)

    assert "Nothing was reviewed." in page
    assert "<strong>0</strong> of" in page
