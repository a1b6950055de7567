"""What the program writes, of fixtures: reports, drawings, and what it prints, each with the command that makes it."""

import pathlib
import shlex
import subprocess
import tempfile

import markdown
from page import Page, Section

#: Title, what is said of it, the command, its exit status, and the file that it makes (standard output, if none).
REPORTS = [
    (
        "A comparison that fails",
        "Two parameters of one norm among 49 are exchanged. The page shows the network in the colours of its errors, and "
        "what was found to explain them.",
        "rnw verify Fixtures/keras/broken/swapped.h5 --against Fixtures/keras/narrow.h5 --isolated --report failed.html",
        1,
        "failed.html",
    ),
    (
        "A comparison that passes",
        "A Keras model beside what Keras itself computed for every layer.",
        "rnw verify Fixtures/keras/narrow.keras --against Fixtures/keras/narrow.activations.npz --report passed.html",
        0,
        "passed.html",
    ),
    (
        "An engine on trial",
        "The values of an engine whose first pool pads with −∞, where this network pads with zeros.",
        "rnw verify Fixtures/keras/narrow.keras --candidate Fixtures/engines/pool-border.npz --report engine.html",
        1,
        "engine.html",
    ),
]
NETWORKS = [
    (
        "A network as a page",
        "Its drawing, where parameters and work lie, and a table of its layers that sorts.",
        "rnw summary resnet50_v2 --family keras --input-size 1,224,224,3 --format html",
        "resnet50-v2.html",
    ),
    ("A block of version 1", "Norm and ReLU after the convolutions.", "rnw summary resnet50_v1 --format svg", "resnet50-v1.svg"),
    ("A block of version 2", "Norm and ReLU before them.", "rnw summary resnet50_v2 --format svg", "resnet50-v2.svg"),
]
PRINTED = [
    ("A file", "rnw inspect Fixtures/keras/narrow.weights.h5"),
    ("A network", "rnw summary resnet50_v2 --family keras --input-size 1,224,224,3 --depth 1"),
]


def pages(program: str, root: pathlib.Path, output: pathlib.Path) -> list[Page]:
    folder = output / "examples"
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        (work / "Fixtures").symlink_to(root / "Fixtures")
        return [reports(program, work, folder), networks(program, work, folder), printed(program, work)]


def reports(program: str, work: pathlib.Path, folder: pathlib.Path) -> Page:
    parts = [
        "<h1>Reports</h1>",
        '<p class="lead">Each comparison can be written as a page of its own (<code>--report page.html</code>), which asks '
        "nothing of the network. These are what the commands beside them write, of files of the tests.</p>",
    ]
    sections = [Section("", "Reports", "examples of pages, --report page.html", 1)]
    for title, told, command, status, name in REPORTS:
        said = run(program, command, work, status)
        (folder / name).write_bytes((work / name).read_bytes())
        anchor = name.removesuffix(".html")
        parts += [
            f'<h2 id="{anchor}">{title}</h2>\n<p>{told}</p>',
            f'<p><a class="button" href="{name}">Open the page</a></p>',
            markdown.code(f"$ {command}\n{said}", "console"),
        ]
        sections.append(Section(anchor, title, f"{told} {command}"))
    return Page("examples/reports.html", "Reports", "\n".join(parts), sections)


def networks(program: str, work: pathlib.Path, folder: pathlib.Path) -> Page:
    parts = ["<h1>Networks</h1>", '<p class="lead">A network as a page, and the drawings of its blocks.</p>']
    sections = [Section("", "Networks", "examples of pages and drawings, --format html and svg", 1)]
    for title, told, command, name in NETWORKS:
        (folder / name).write_text(run(program, command, work, 0), encoding="utf-8")
        anchor = name.replace(".", "-")
        shown = f'<img src="{name}" alt="{title}">' if name.endswith(".svg") else f'<a class="button" href="{name}">Open the page</a>'
        call = markdown.code(f"$ {command} > {name}\n", "console")
        parts.append(f'<h2 id="{anchor}">{title}</h2>\n<p>{told}</p>\n<p>{shown}</p>\n{call}')
        sections.append(Section(anchor, title, f"{told} {command}"))
    return Page("examples/networks.html", "Networks", "\n".join(parts), sections)


def printed(program: str, work: pathlib.Path) -> Page:
    parts = ["<h1>In the terminal</h1>"]
    sections = [Section("", "In the terminal", "what is printed", 1)]
    for title, command in PRINTED:
        anchor = command.split()[1]
        parts.append(f'<h2 id="{anchor}">{title}</h2>\n' + markdown.code(f"$ {command}\n{run(program, command, work, 0)}", "console"))
        sections.append(Section(anchor, title, command))
    return Page("examples/terminal.html", "In the terminal", "\n".join(parts), sections)


def run(program: str, command: str, work: pathlib.Path, status: int) -> str:
    """What a command of a page prints, which ends with this status."""
    arguments = [str(pathlib.Path(program).resolve()), *shlex.split(command)[1:]]
    result = subprocess.run(arguments, cwd=work, capture_output=True, text=True, timeout=120)
    if result.returncode != status:
        raise SystemExit(f"{command}: ended with {result.returncode} for {status}\n{result.stderr}")
    return result.stdout
