"""What is checked of an XML file before another reader takes it: it is safe, of its kind, and says things once."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.discovery import first_element, xml_root


def safe_root(content: bytes, root: str, about: str) -> Element:
    """Parse XML that may come from anyone.

    Args:
        content: bytes of the file.
        root: name of the root that is expected, without namespace.
        about: what such a file is, for the message.

    Returns:
        The root, with all namespaces taken off.

    Raises:
        BadRecordError: when it is no XML, defines entities, or has another root.
    """
    try:
        element: Element = fromstring(content)
    except DefusedXmlException as error:
        raise BadRecordError("unreadable", "the XML defines entities, which no ECG needs") from error
    except ParseError as error:
        line, column = error.position
        raise BadRecordError(
            "unreadable", f"not XML: it breaks off at line {line}, column {column}"
        ) from error
    except (ValueError, LookupError) as error:
        raise BadRecordError("unreadable", "not XML: its encoding is not known") from error
    if _local(element.tag) != root:
        raise BadRecordError("unreadable", f"not {about}: its root is {xml_root(element.tag)}")
    for child in element.iter():
        child.tag = _local(child.tag)
    return element


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def check_once(root: Element, paths: Iterable[str]) -> None:
    """Refuse a file that tells something twice: nobody knows which is right.

    Args:
        root: of the file.
        paths: from the root to what stands there once at most.

    Raises:
        BadRecordError: for the first that is there twice.
    """
    for path in paths:
        parent, _, tag = path.rpartition("/")
        for element in root.iterfind(parent) if parent else [root]:
            if len(element.findall(tag)) > 1:
                raise BadRecordError("header_mismatch", f"{path} is there twice")


def starts_with_root(head: bytes, *names: str) -> bool:
    """Tell an XML file by the first element in it.

    Args:
        head: its first bytes.
        names: of roots, without namespace.

    Returns:
        True where the first element has one of these names.

    Example:
        >>> starts_with_root(b'<?xml version="1.0"?><!-- x --><h:AnnotatedECG xmlns:h="urn">', "AnnotatedECG")
        True
        >>> starts_with_root("<restingecgdata/>".encode("utf-16"), "restingecgdata"), starts_with_root(b"MUSE", "ECG")
        (True, False)
    """
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    return first_element(head.decode("utf-16" if wide else "utf-8", "ignore")) in names


def is_xml(head: bytes) -> bool:
    """Tell whether a file begins like XML of any kind.

    Args:
        head: its first bytes.

    Returns:
        True where a "<" comes first, in UTF-8 or UTF-16.

    Example:
        >>> is_xml(" <a/>".encode("utf-8-sig")), is_xml("<a/>".encode("utf-16")), is_xml(b"a < b")
        (True, True, False)
    """
    return head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \r\n\t").startswith(b"<")
