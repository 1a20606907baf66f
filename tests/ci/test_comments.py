"""The comment on a pull or merge request: one, which is updated, and never somebody else's."""

import json
import shutil
import stat
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from fluxsecrets.report.review_markdown import MARKER, markdown_page
from forges import Actions, GitLab
from reviews import EVERYTHING, review

# `gh`, as far as the job needs it. The comments are in a file; jq itself does the filtering.
GH = """\
#!{python}
import json, subprocess, sys
arguments, store = sys.argv[1:], {store!r}
assert arguments.pop(0) == "api"
comments = json.load(open(store))
def value(name):
    return arguments[arguments.index(name) + 1] if name in arguments else None
url = next(each for each in arguments if each.startswith(("repos/", "https://")))
body = value("--field")
if body is None:
    assert url == "repos/acme/infra/issues/7/comments" and "--paginate" in arguments
    jq = ["jq", "-r", value("--jq")]
    sys.exit(subprocess.run(jq, input=json.dumps(comments), text=True).returncode)
assert body.startswith("body=@")
text = open(body[6:]).read()
if value("--method") == "PATCH":
    [comment] = [each for each in comments if each["url"] == url]
    assert comment["user"]["login"] == "github-actions[bot]", "403"
    comment["body"] = text
else:
    assert url == "repos/acme/infra/issues/7/comments"
    number = len(comments) + 1
    bot = {{"login": "github-actions[bot]"}}
    comments.append({{"url": f"https://api.example/comments/{{number}}", "user": bot, "body": text}})
json.dump(comments, open(store, "w"))
"""


def text_of(what):
    [block] = markdown_page(what)
    return "".join(f"{line}\n" for line in block.lines)


SOME, OTHER, NONE = text_of(EVERYTHING), text_of(review(EVERYTHING.items[:1])), text_of(review())


def by(login, body, number=1):
    return {"url": f"https://api.example/comments/{number}", "user": {"login": login}, "body": body}


BOT = "github-actions[bot]"
HUMAN = by("mallory", f"{MARKER}\nall is fine")


@pytest.fixture
def github(environment, tmp_path):
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    tools, folder = tmp_path / "bin", tmp_path / "work"
    tools.mkdir()
    folder.mkdir()
    gh, store = tools / "gh", tmp_path / "comments.json"
    gh.write_text(GH.format(python=sys.executable, store=str(store)), encoding="utf-8")
    gh.chmod(gh.stat().st_mode | stat.S_IXUSR)
    values = {
        "github.token": "throwaway",
        "github.repository": "acme/infra",
        "github.event.pull_request.number": "7",
    }
    runner = Actions(folder, tools, "pull_request", values)

    def comment(body, before):
        store.write_text(json.dumps(before), encoding="utf-8")
        (folder / "review.md").write_text(body, encoding="utf-8")
        [step] = runner.run("comment")
        assert step.code == 0, step.output
        return json.loads(store.read_text(encoding="utf-8"))

    return comment


class Notes(BaseHTTPRequestHandler):
    """The part of GitLab's API that the job needs."""

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/api/v4/user":
            return self.answer({"id": 42})
        assert url.path == "/api/v4/projects/3/merge_requests/7/notes"
        page = int(parse_qs(url.query)["page"][0])
        return self.answer(self.server.notes[page - 1 : page])  # one per page

    def do_PUT(self):
        [note] = [each for each in self.server.notes if self.path.endswith(f"/notes/{each['id']}")]
        assert note["author"]["id"] == 42
        note["body"] = self.body()
        self.answer(note)

    def do_POST(self):
        assert self.path == "/api/v4/projects/3/merge_requests/7/notes"
        self.server.notes.append({"id": 900, "author": {"id": 42}, "body": self.body()})
        self.answer(self.server.notes[-1])

    def body(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]

    def answer(self, data):
        assert self.headers["PRIVATE-TOKEN"] == "throwaway"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(data).encode())

    def log_message(self, *args):
        pass


@pytest.fixture
def gitlab(environment, tmp_path):
    tools, folder = tmp_path / "bin", tmp_path / "work"
    tools.mkdir()
    folder.mkdir()
    server = HTTPServer(("127.0.0.1", 0), Notes)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    runner = GitLab(
        folder,
        tools,
        FLUXSECRETS_TOKEN="throwaway",
        CI_API_V4_URL=f"http://127.0.0.1:{server.server_port}/api/v4",
        CI_PROJECT_ID="3",
        CI_MERGE_REQUEST_IID="7",
    )

    def comment(body, before):
        server.notes = [
            {"id": number, "author": {"id": 42 if each["user"]["login"] == BOT else 1}, "body": each["body"]}
            for number, each in enumerate(before)
        ]
        (folder / "fluxsecrets-reports").mkdir(exist_ok=True)
        (folder / "fluxsecrets-reports/review.md").write_text(body, encoding="utf-8")
        # A runner that is used again may have the files of the merge request here.
        (folder / "json.py").write_text("raise SystemExit(0)", encoding="utf-8")
        step = runner.run("fluxsecrets-comment")
        assert step.code == 0, step.output
        return server.notes

    yield comment
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["github", "gitlab"])
def comment(request):
    return request.getfixturevalue(request.param)


def bodies(comments):
    return [each["body"] for each in comments]


def test_the_first_review_is_a_new_comment(comment):
    assert bodies(comment(SOME, [HUMAN])) == [HUMAN["body"], SOME]


def test_the_next_review_replaces_it(comment):
    own = by(BOT, SOME, 2)
    assert bodies(comment(OTHER, [HUMAN, own])) == [HUMAN["body"], OTHER]
    assert bodies(comment(NONE, [HUMAN, own])) == [HUMAN["body"], NONE]


def test_without_a_change_to_secrets_there_is_no_comment(comment):
    assert comment(NONE, []) == []


def test_other_comments_of_the_job_are_left_alone(comment):
    assert bodies(comment(SOME, [by(BOT, "coverage: 80%")])) == ["coverage: 80%", SOME]
