"""A real OpenID provider on this machine, of Authlib's own server parts.

It signs in whoever the test says (`person`), with codes, PKCE, nonces and signed
tokens as the standard has them. `spoil` changes the claims of the next token, as
a broken or hostile provider would; `key` can be changed to sign with another.
"""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, AuthorizationServer, ClientMixin
from authlib.oauth2.rfc6749 import OAuth2Request as Asked
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "ntm", "secret-of-the-pages"


@dataclass
class Client(ClientMixin):
    """The one client it knows: our pages."""

    back: str
    id_token_signed_response_alg: str = "RS256"

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return self.back

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.back

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):
    """A code it has given out."""

    code: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    user: dict[str, Any]
    at: int = field(default_factory=lambda: int(time.time()))

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.at

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class Provider(AuthorizationServer):
    """The provider, and what a test may turn."""

    def __init__(self, issuer: str, back: str) -> None:
        super().__init__(scopes_supported=["openid", "email", "profile"])
        self.issuer, self.client = issuer, Client(back)
        self.person: dict[str, Any] = {}
        self.spoil: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.in_token = True  # whether the mail address is in the token, or asked for
        self.published = self.key = new_key()
        self.codes: dict[str, Code] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        bearer = BearerTokenGenerator(lambda *_, **__: secrets.token_urlsafe(24))
        self.register_token_generator("default", bearer)
        self.register_grant(_grant(self), [_OpenID(self), CodeChallenge(required=True)])

    def query_client(self, client_id: str) -> Client | None:
        return self.client if client_id == CLIENT else None

    def save_token(self, token: dict[str, Any], request: Asked) -> None:
        self.tokens[token["access_token"]] = request.user

    def create_oauth2_request(self, request: Asked) -> Asked:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        made = JSONResponse(body, status) if isinstance(body, dict) else Response(body, status)
        made.headers.update(dict(headers))
        return made

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        pass

    # -- what it answers -----------------------------------------------------------

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/openid-configuration", self.metadata),
            Route("/jwks", self.jwks),
            Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]),
            Route("/userinfo", self.userinfo),
        ]

    async def metadata(self, _request: Request) -> Response:
        at = self.issuer
        return JSONResponse({
            "issuer": at, "authorization_endpoint": f"{at}/authorize",
            "token_endpoint": f"{at}/token", "jwks_uri": f"{at}/jwks",
            "userinfo_endpoint": f"{at}/userinfo", "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        })  # fmt: skip

    async def jwks(self, _request: Request) -> Response:
        return JSONResponse(KeySet([self.published]).as_dict(private=False))

    async def authorize(self, request: Request) -> Response:
        asked = _asked(request, dict(request.query_params))
        grant = self.get_consent_grant(asked, self.person)
        made: Response = self.create_authorization_response(asked, self.person, grant)
        return made

    async def token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        made: Response = self.create_token_response(_asked(request, form))
        return made

    async def userinfo(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return Response(status_code=401)
        return JSONResponse(self.tokens[token])


def new_key() -> RSAKey:
    return RSAKey.generate_key(2048, auto_kid=True)


def _asked(request: Request, payload: dict[str, str]) -> Asked:
    made = Asked(request.method, str(request.url), headers=request.headers)
    made.payload = BasicOAuth2Payload(payload)
    type(made).form = property(lambda self: self.payload.data)
    type(made).args = property(lambda self: self.payload.data)
    return made


def _grant(provider: Provider) -> type:
    class Grant(AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

        def save_authorization_code(self, code: str, request: Asked) -> None:
            said = request.payload.data
            provider.codes[code] = Code(
                code, said["redirect_uri"], said["scope"], said.get("nonce", ""),
                said.get("code_challenge", ""), said.get("code_challenge_method", ""), request.user,
            )  # fmt: skip

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code: Code) -> None:
            del provider.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: Code) -> dict[str, Any]:
            return authorization_code.user

    return Grant


class _OpenID(OpenIDCode):
    def __init__(self, provider: Provider) -> None:
        super().__init__(require_nonce=True)
        self.provider = provider

    def exists_nonce(self, nonce: str, request: Asked) -> bool:
        return any(code.nonce == nonce for code in self.provider.codes.values())

    def resolve_client_private_key(self, client: Client) -> RSAKey:
        return self.provider.key

    def get_encode_header(self, client: Client) -> dict[str, Any]:
        return {"alg": "RS256", "kid": self.provider.published.kid}

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        return {"iss": self.provider.issuer, "aud": [CLIENT]}

    def generate_user_info(self, user: dict[str, Any], scope: str) -> dict[str, Any]:
        return dict(user) if self.provider.in_token else {"sub": user["sub"]}

    def encode_id_token(self, token: dict[str, Any], request: Asked) -> str:
        said = jwt.decode(super().encode_id_token(token, request), self.provider.key).claims
        header = self.get_encode_header(request.client)
        return jwt.encode(header, self.provider.spoil(dict(said)), self.provider.key)


@contextmanager
def provided(back: str) -> Iterator[Provider]:
    """A provider behind a real server, for the client that lives at `back`."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        made = Provider(f"http://127.0.0.1:{held.getsockname()[1]}", back)
        config = uvicorn.Config(Starlette(routes=made.routes()), log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [held]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        yield made
        server.should_exit = True
        thread.join(10)
