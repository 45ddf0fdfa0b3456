"""The tree of an XML file that nobody vouches for: no document type, no network. Pure."""

from __future__ import annotations

from xml.parsers import expat

from lxml import etree

from parvis.core.errors import Refused

LARGEST = 2_000_000
DEEPEST = 24
MOST_ELEMENTS = 50_000
ENCODINGS = {"UTF-8", "UTF-16", "US-ASCII", "ASCII", "ISO-8859-1", "WINDOWS-1252"}


def tree(content: bytes, *, instructions: bool = False) -> etree._Element:
    """The root element, without comments, or raise Refused with the reason and the line.

    Processing instructions are kept on demand: a signature covers them.
    """
    if len(content) > LARGEST:
        raise Refused("Le fichier dépasse 2\u00a0Mo\u00a0: il n’a pas été lu.")
    if not content.strip():
        raise Refused("Le fichier est vide.")
    _look(content)
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=not instructions,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        line = getattr(error, "lineno", None) or 1
        raise Refused(f"Le fichier n’est pas du XML bien formé (ligne {line}).") from error
    if root.getroottree().docinfo.internalDTD is not None:
        _no_doctype(0)
    return root


def _look(content: bytes) -> None:
    """Read it through once, keeping nothing, before a tree is made of it."""
    depth = elements = 0
    parser = expat.ParserCreate()

    def start(_name: str, _attributes: object) -> None:
        nonlocal depth, elements
        depth += 1
        elements += 1
        if depth > DEEPEST:
            raise Refused(
                f"Le fichier est anormalement profond (ligne {parser.CurrentLineNumber})."
            )
        if elements > MOST_ELEMENTS:
            raise Refused(f"Le fichier a plus de {MOST_ELEMENTS} éléments.")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def declaration(_version: str, encoding: str | None, _alone: int) -> None:
        if (encoding or "UTF-8").upper() not in ENCODINGS:
            raise Refused("Cet encodage n’est pas admis\u00a0: écrivez le fichier en UTF-8.")

    def doctype(*_declared: object) -> None:
        _no_doctype(parser.CurrentLineNumber)

    parser.XmlDeclHandler = declaration
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = doctype
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise Refused(
            f"Le fichier n’est pas du XML bien formé\u00a0: coupé, abîmé ou mal encodé "
            f"(ligne {error.lineno})."
        ) from error
    except (LookupError, ValueError) as error:
        raise Refused("L’encodage du fichier n’est pas reconnu.") from error


def _no_doctype(line: int) -> None:
    where = f" (ligne {line})" if line else ""
    raise Refused(
        f"Le fichier déclare un type de document ou des entités (DOCTYPE){where}\u00a0: "
        "c’est interdit dans un message CAP, car elles peuvent gonfler le fichier ou lire ailleurs."
    )
