"""The OpenID provider of an installation: where it sends people, and who it says they are.

OpenID Connect with the authorization code, PKCE, state and nonce, through Authlib.
Nothing that comes from outside is believed before its signature, issuer,
audience, time, nonce and access token's hash were checked.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.common.security import generate_token
from authlib.deprecate import AuthlibDeprecationWarning
from authlib.integrations.base_client import OAuthError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from ntm_workflow.errors import Refused
from ntm_workflow.settings import Settings

with warnings.catch_warnings():  # it would rather have a successor of httpx
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import OAuth2Client

log = logging.getLogger("ntm.web")
# Never what a token or a provider names: "none", or a secret shared as a key.
ALGORITHMS = ["RS256", "PS256", "ES256"]
SCOPE = "openid email profile"
SECONDS = 10  # for each answer of the provider
_KEPT = 3600.0  # seconds that what the provider says of itself is believed
_LEEWAY = 60  # seconds by which its clock may differ
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
_METADATA = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Going:
    """Somebody on the way to the provider: what must come back with them."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says somebody is. `email` only where it has verified it."""

    key: str
    email: str | None


class Provider:
    """One provider, as settings name it; what it says of itself is asked when it is needed."""

    def __init__(self, settings: Settings) -> None:
        self.issuer = settings.oidc_issuer
        self.name = settings.oidc_name
        self._client_id, self._secret = settings.oidc_client, settings.oidc_secret
        self._back = f"{settings.base_url}/vao/sso"
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: KeySet | None = None

    @property
    def offered(self) -> bool:
        return bool(self.issuer and self._client_id)

    def go(self) -> Going:
        """Where to send somebody. Raises Refused: the provider does not answer."""
        state, nonce, verifier = (generate_token(48) for _ in range(3))
        with self._client() as client:
            url, _ = client.create_authorization_url(
                self._said()["authorization_endpoint"], state=state, nonce=nonce,
                code_verifier=verifier,
            )  # fmt: skip
        return Going(url, state, nonce, verifier)

    def come_back(self, code: str, nonce: str, verifier: str) -> Identity:
        """Who came back with a code. Raises Refused: nothing that can be believed."""
        with self._client() as client:
            token = client.fetch_token(
                self._said()["token_endpoint"], code=code, code_verifier=verifier
            )
            claims = self._checked(token, nonce)
            if "email" not in claims and self._said().get("userinfo_endpoint"):
                claims = {**claims, **self._user(client, claims["sub"])}
        verified = claims.get("email_verified") is True and isinstance(claims.get("email"), str)
        key = f"{self.issuer}|{claims['sub']}"
        if len(key) > 600:
            raise Refused("oidc.failed")
        return Identity(key, claims["email"] if verified else None)

    def _user(self, client: OAuth2Client, sub: str) -> dict[str, Any]:
        """What the provider says of who the token is about, and of nobody else."""
        answer = client.get(self._said()["userinfo_endpoint"])
        answer.raise_for_status()
        said: dict[str, Any] = answer.json()
        return said if said.get("sub") == sub else {}

    @contextmanager
    def _client(self) -> Iterator[OAuth2Client]:
        """A client for one conversation; what goes wrong in it is one refusal."""
        try:
            with OAuth2Client(
                self._client_id, self._secret or None, scope=SCOPE, redirect_uri=self._back,
                code_challenge_method="S256", timeout=SECONDS, trust_env=False,
                token_endpoint_auth_method="client_secret_basic" if self._secret else "none",
            ) as client:  # fmt: skip
                yield client
        except (OAuthError, httpx.HTTPError, JoseError, KeyError, ValueError, TypeError) as error:
            log.warning("single sign-on failed: %s %s", type(error).__name__, _short(error))
            raise Refused("oidc.failed") from error

    def _said(self) -> dict[str, Any]:
        """What the provider says of itself."""
        now = time.monotonic()
        if self._metadata and now - self._metadata[0] < _KEPT:
            return self._metadata[1]
        said = self._fetch(self.issuer.rstrip("/") + _METADATA)
        if said.get("issuer") != self.issuer:
            raise ValueError("another issuer")
        for name in _ENDPOINTS:  # it must not send us, or people, anywhere else than it is itself
            if name in said and urlsplit(str(said[name])).scheme != urlsplit(self.issuer).scheme:
                raise ValueError("an endpoint of another scheme")
        self._metadata = now, said
        return said

    def _fetch(self, url: str) -> dict[str, Any]:
        answer = httpx.get(url, timeout=SECONDS, trust_env=False)
        answer.raise_for_status()
        said = answer.json()
        if not isinstance(said, dict):
            raise ValueError("not an object")
        return said

    def _checked(self, token: dict[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of an identity token. Raises JoseError, ValueError."""
        found = self._decoded(str(token["id_token"]))
        options: Any = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self._client_id},
        }
        params = {
            "nonce": nonce, "client_id": self._client_id, "access_token": token["access_token"],
        }  # fmt: skip
        claims = CodeIDToken(found.claims, found.header, options, params)
        claims.validate(leeway=_LEEWAY)
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise ValueError("no subject")
        return dict(claims)

    def _decoded(self, text: str) -> jwt.Token:
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        if self._keys is not None:
            try:
                return jwt.decode(text, self._keys, registry=registry)
            except (InvalidKeyIdError, JoseError):  # it may have changed its keys
                pass
        fetched: Any = self._fetch(self._said()["jwks_uri"])
        self._keys = KeySet.import_key_set(fetched)
        return jwt.decode(text, self._keys, registry=registry)


def _short(error: Exception) -> str:
    """What went wrong, without what was sent."""
    return str(getattr(error, "error", "") or "")[:80]
