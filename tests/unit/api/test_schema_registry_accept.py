import pytest

from forebay.api.schema_registry_accept import (
    AcceptInvalid,
    DescriptorForm,
    VersionNotAcceptable,
    check_descriptor_lookup,
    descriptor_list_form,
    is_standard_list,
    is_summary_list,
    lookup_view,
)
from forebay.control.schemas.views import View


def adobe(form: str) -> str:
    return f"application/vnd.adobe.{form}"


@pytest.mark.parametrize(
    ("header", "is_summary"),
    [
        (adobe("xed-id+json"), True),
        (adobe("xdm-id+json"), True),
        (adobe("xed+json"), False),
        (adobe("xdm+json"), False),
        (f"text/html, {adobe('xed-id+json')};q=0.9", True),
        (adobe("XED-ID+JSON"), True),
    ],
)
def test_listing_comes_in_two_forms(header: str, is_summary: bool) -> None:
    assert is_summary_list(header) is is_summary


@pytest.mark.parametrize(
    ("header", "is_standard"),
    [
        (adobe("xed+json"), False),
        (adobe("xdm+json"), True),
        (adobe("xdm-id+json"), True),
        (f"{adobe('xdm+json; version=1')}, {adobe('xed+json')}", False),
        (f"text/html, {adobe('XDM+json')}", True),
        (None, False),
    ],
)
def test_family_of_a_listing_decides_its_names(header: str | None, is_standard: bool) -> None:
    assert is_standard_list(header) is is_standard


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "*/*",
        "application/json",
        adobe("xed+json; version=1"),
        adobe("xed-id+json;version=1"),
        adobe("xed-full+json"),
        adobe("xed-notext+json"),
        adobe("xod+json"),
        "xed+json",
    ],
)
def test_listing_in_another_form_is_refused(header: str | None) -> None:
    with pytest.raises(AcceptInvalid) as caught:
        is_summary_list(header)

    assert caught.value.code == "XDM-1006"
    assert caught.value.message == (
        f"The supplied Accept header is not valid: {header} - A valid Accept value should look "
        "like application/vnd.adobe.'{xed|xdm}'+json"
    )


@pytest.mark.parametrize(
    ("form", "view"),
    [
        ("xed", View()),
        ("xdm", View(is_standard=True)),
        ("xed-full", View(is_composed=True)),
        ("xdm-full", View(is_composed=True, is_standard=True)),
        ("xdm-full-desc", View(is_composed=True, has_descriptors=True, is_standard=True)),
        ("XDM-FULL-NoText", View(is_composed=True, has_texts=False, is_standard=True)),
        ("xed-notext", View(has_texts=False)),
        ("xed-full-notext", View(is_composed=True, has_texts=False)),
        ("xed-notext-full", View(is_composed=True, has_texts=False)),
        ("xed-full-desc", View(is_composed=True, has_descriptors=True)),
        ("xed-desc", View(has_descriptors=True)),
        ("xed-deprecatefield", View(is_composed=True, has_deprecated_fields=True)),
        ("xed-full-deprecated", View(is_composed=True, has_deprecated_fields=True)),
        ("xed-flat", View(is_composed=True, is_flat=True)),
        (
            "xed-full-desc-flat-deprecated",
            View(is_composed=True, has_descriptors=True, is_flat=True, has_deprecated_fields=True),
        ),
    ],
)
@pytest.mark.parametrize(
    "version",
    [
        "; version=1",
        ";version=1",
        "; version=1.0",
        ';version="1"',
        " ; version=1.7",
        ";  version = 1",
        "; VERSION=1",
        "; q=0.9; version=1",
        "; version=1, application/json",
    ],
)
def test_lookup_comes_in_many_forms(form: str, view: View, version: str) -> None:
    assert lookup_view(adobe(f"{form}+json{version}")) == view


def test_first_form_with_a_version_is_that_of_a_lookup() -> None:
    header = f"{adobe('xdm+json')}, {adobe('xed-full+json; version=1')}, {adobe('xed+json')}"

    assert lookup_view(header) == View(is_composed=True)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "*/*",
        "application/json; version=1",
        adobe("xed+json"),
        adobe("xed-full+json"),
        adobe("xed+json; version="),
        adobe("xed+json; version=one"),
        adobe("xed-id+json; version=1"),
        adobe("xed-v2+json; version=1"),
    ],
)
def test_lookup_without_version_or_in_another_form_is_refused(header: str | None) -> None:
    with pytest.raises(AcceptInvalid) as caught:
        lookup_view(header)

    assert caught.value.code == "XDM-1007"
    assert caught.value.message.endswith("+json; version=1 (Version should be specified)")


@pytest.mark.parametrize("version", ["2", "0", "2.1", "999999999"])
def test_other_versions_are_not_acceptable(version: str) -> None:
    with pytest.raises(VersionNotAcceptable) as caught:
        lookup_view(adobe(f"xed+json; version={version}"))

    assert caught.value.status == 406


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("xdm", DescriptorForm()),
        ("xdm-id", DescriptorForm(is_ids=True)),
        ("xdm-link", DescriptorForm(is_links=True)),
        ("xdm-v2", DescriptorForm(is_paged=True)),
        ("xdm-v2-id", DescriptorForm(is_paged=True, is_ids=True)),
        ("xdm-v2-link", DescriptorForm(is_paged=True, is_links=True)),
        ("xdm-v2-link-id", DescriptorForm(is_paged=True, is_links=True)),
    ],
)
def test_descriptors_are_listed_in_forms_of_their_own(form: str, expected: DescriptorForm) -> None:
    assert descriptor_list_form(adobe(f"{form}+json")) == expected


@pytest.mark.parametrize("header", [None, "*/*", adobe("xed+json"), adobe("xdm-full+json")])
def test_descriptor_listing_in_another_form_is_refused(header: str | None) -> None:
    with pytest.raises(AcceptInvalid) as caught:
        descriptor_list_form(header)

    assert caught.value.code == "XDM-1008"
    assert caught.value.message.endswith("application/vnd.adobe.xdm-id+json")


@pytest.mark.parametrize(
    "header", [None, "", "*/*", "application/json", adobe("xdm+json"), adobe("xdm+json; version=1")]
)
def test_descriptor_lookup_needs_no_form(header: str | None) -> None:
    check_descriptor_lookup(header)


@pytest.mark.parametrize("header", [adobe("xed+json"), adobe("xdm-id+json"), "text/html"])
def test_descriptor_lookup_in_another_form_is_refused(header: str) -> None:
    with pytest.raises(AcceptInvalid) as caught:
        check_descriptor_lookup(header)

    assert caught.value.code == "XDM-1009"
