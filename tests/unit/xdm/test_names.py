import pytest

from forebay.xdm.names import alt_id, namespace_of, payload_path, resource_id, title_of

NS = "https://ns.adobe.com/"


@pytest.mark.parametrize(
    ("standard", "payload"),
    [
        ("@id", "_id"),
        ("@type", "_type"),
        ("xdm:person", "person"),
        ("xdm:SKU", "SKU"),
        ("repo:createDate", "_repo.createDate"),
        ("schema:latitude", "_schema.latitude"),
        ("dc:language", "_dc.language"),
        (NS + "xdm/channels/application", "_channels.application"),
        (NS + "experience/mcid", "_experience.mcid"),
        (NS + "experience/campaign/message", "_experience.campaign.message"),
        ("customerA:x", "_customerA.x"),
        ("https://ns.thirdparty.com/color", "_ns.thirdparty.com.color"),
        ("plain", "plain"),
        ("xdm:", "xdm:"),
    ],
)
def test_standard_name_has_its_payload_path(standard: str, payload: str) -> None:
    assert payload_path(standard) == tuple(payload.split("."))


def test_name_of_the_surrounding_namespace_is_not_repeated() -> None:
    outer = namespace_of(NS + "experience/customerJourneyManagement/messageInteraction")

    inner = payload_path(NS + "experience/customerJourneyManagement/landingpage", inside=outer)

    assert outer == ("_experience", "customerJourneyManagement")
    assert inner == ("landingpage",)


def test_name_of_another_namespace_is_written_out() -> None:
    path = payload_path(NS + "experience/decisioning/total", inside=("_experience", "campaign"))

    assert path == ("_experience", "decisioning", "total")


@pytest.mark.parametrize(
    ("identifier", "alternative"),
    [
        (NS + "xdm/context/profile", "_xdm.context.profile"),
        (NS + "acme/schemas/ab12", "_acme.schemas.ab12"),
        (NS + "experience/campaign/message", "_experience.campaign.message"),
    ],
)
def test_both_ids_of_a_resource_translate(identifier: str, alternative: str) -> None:
    assert alt_id(identifier) == alternative
    assert resource_id(alternative) == identifier


def test_foreign_id_has_a_path_safe_alternative() -> None:
    assert alt_id("http://schema.org/GeoCoordinates") == "_schema.org.GeoCoordinates"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("firstName", "First Name"),
        ("webPageURL", "Web Page URL"),
        ("profile-person-details", "Profile Person Details"),
        ("SKU", "SKU"),
        ("_id", "Id"),
        ("", ""),
    ],
)
def test_title_is_made_of_the_words_of_a_name(name: str, title: str) -> None:
    assert title_of(name) == title
