"""
IMS: where clients get access tokens (flow-and-collection, 3).

Clients send parameters in the body, in the address or in both, as a form or as multipart, and
one of them begins its form with ``&``: all of it is understood, and the body wins. The unit
of `expires_in` depends on the path, because clients of each path rely on it.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from forebay.api.context import body_of
from forebay.api.problems import json_response
from forebay.control.access.model import IssuedToken, TokenRefused
from forebay.control.access.service import AccessService
from forebay.kernel.tokens import web_key

_FIELDS_MAX = 100
_SPARE_MS = 1000
"""How much earlier than its end a token is said to end."""
_NO_STORE = {"Cache-Control": "no-store"}

Parameters = dict[str, str]


def router(access: AccessService, *, platform_url: str) -> APIRouter:
    """Return the routes; `platform_url` is the base under which clients reach them."""
    routes = APIRouter(prefix="/ims", tags=["IMS"])

    @routes.post("/token/{version}")
    def post_token(
        version: str, parameters: Annotated[Parameters, Depends(_parameters)]
    ) -> Response:
        """Issue an access token for a client's id and secret."""
        if version not in _UNITS_MS:
            raise HTTPException(404)
        refused = _check_grant(parameters.get("grant_type", ""))
        answer = refused or access.issue_token(
            parameters.get("client_id", ""),
            parameters.get("client_secret", ""),
            scopes=parameters.get("scope", ""),
        )
        return _answer(answer, unit_ms=_UNITS_MS[version])

    @routes.post("/exchange/jwt")
    def post_assertion(parameters: Annotated[Parameters, Depends(_parameters)]) -> Response:
        """Issue an access token for an assertion that a service account signed."""
        answer = access.exchange_assertion(
            parameters.get("client_id", ""),
            parameters.get("client_secret", ""),
            assertion=parameters.get("jwt_token", ""),
        )
        return _answer(answer, unit_ms=1)

    @routes.get("/keys")
    def get_keys() -> Response:
        """Return the public keys that verify access tokens, as a JSON Web Key Set."""
        keys = [web_key(key_id, key.public_pem) for key_id, key in access.verifying_keys().items()]
        return json_response({"keys": keys})

    @routes.get("/.well-known/openid-configuration")
    def get_configuration() -> Response:
        """Describe the service; tokens and keys are what this server itself gives out."""
        return json_response(_configuration(platform_url.rstrip("/")))

    return routes


_UNITS_MS = {"v1": 1, "v2": 1000, "v3": 1000, "v4": 1000}
"""Milliseconds in the unit of `expires_in`, by the version of the token endpoint."""


async def _parameters(request: Request) -> Parameters:
    """Return the parameters of a token request; later ones win: address, Basic, body."""
    merged = dict(request.query_params) | _basic_credentials(request)
    return merged | await _form(request)


async def _form(request: Request) -> Parameters:
    if not request.headers.get("content-type", "").lower().startswith("multipart/"):
        return _urlencoded(body_of(request))
    form = await request.form(max_files=0, max_fields=_FIELDS_MAX)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _urlencoded(body: bytes) -> Parameters:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX)
    except ValueError:
        return {}
    return dict(pairs)


def _basic_credentials(request: Request) -> Parameters:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return {}
    return {"client_id": client_id, "client_secret": secret}


def _check_grant(grant_type: str) -> TokenRefused | None:
    if not grant_type:
        return TokenRefused("invalid_request", "grant_type is missing: use client_credentials")
    if grant_type != "client_credentials":
        return TokenRefused(
            "unsupported_grant_type", f"{grant_type[:100]} is not supported: use client_credentials"
        )
    return None


def _answer(answer: IssuedToken | TokenRefused, *, unit_ms: int) -> Response:
    if isinstance(answer, TokenRefused):
        body: Mapping[str, Any] = {
            "error": answer.error,
            "error_description": answer.error_description,
        }
        return json_response(body, status=400, headers=_NO_STORE)
    body = {
        "access_token": answer.access_token,
        "token_type": "bearer",
        "expires_in": (answer.lifetime_ms - _SPARE_MS) // unit_ms,
    }
    return json_response(body, headers=_NO_STORE)


def _configuration(base: str) -> dict[str, Any]:
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/ims/authorize/v2",
        "token_endpoint": f"{base}/ims/token/v3",
        "userinfo_endpoint": f"{base}/ims/userinfo/v2",
        "revocation_endpoint": f"{base}/ims/revoke",
        "jwks_uri": f"{base}/ims/keys",
        "response_types_supported": [
            "code",
            "token",
            "id_token",
            "id_token token",
            "code id_token",
        ],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }
