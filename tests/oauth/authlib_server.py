"""An independent authorization server: Authlib's on Flask, over TLS, with the rest of an Omni instance.

PKCE with S256 is required, refresh tokens rotate, and the second use of a spent one revokes the family. The paths are not
Omni's usual ones, so clients need the metadata (checked by Authlib's validation of RFC 8414) to find them. The consent page
has two buttons; `/consent` receives the click.
"""

import secrets
import ssl
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import trustme
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from flask import Flask, Response, redirect, request
from werkzeug.serving import WSGIRequestHandler, make_server

CONSENT = """<!doctype html><title>Authorize</title><h1>Let omni-cli act for you?</h1>
<form method="post" action="/consent?{query}"><button name="go" value="yes">Authorize</button>
<button name="go" value="no">Deny</button></form>"""


class Client(ClientMixin):
    """The only client: public, with any loopback port."""

    client_id = "omni-cli"

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return ""

    def get_allowed_scope(self, scope: str) -> str:
        return scope if scope == "user:default" else ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        start, _, rest = redirect_uri.rpartition(":")
        return start == "http://localhost" and rest.partition("/")[2] == "callback"

    def check_client_secret(self, client_secret: str) -> bool:
        return False

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "none"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


@dataclass
class Token(TokenMixin):
    """A token pair. `spent`: the refresh token was used; `revoked`: both are invalid."""

    family: int
    access_token: str
    refresh_token: str
    scope: str
    expires_in: int
    issued_at: float = field(default_factory=time.time)
    spent: bool = False
    revoked: bool = False

    def check_client(self, client: Client) -> bool:
        return client.client_id == "omni-cli"

    def get_scope(self) -> str:
        return self.scope

    def get_expires_in(self) -> int:
        return self.expires_in

    def is_expired(self) -> bool:
        return self.issued_at + self.expires_in < time.time()

    def is_revoked(self) -> bool:
        return self.revoked


@dataclass
class Code:
    """One authorization code."""

    code: str
    redirect_uri: str
    scope: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


class S256(CodeChallenge):
    """PKCE as required by OAuth 2.1."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]


class User:
    """The only user."""

    id = "u-7"

    def get_user_id(self) -> str:
        return self.id


class AuthlibInstance:
    """A running instance, as a context manager. `ca` is the file of the certificate authority to trust.

    `consent` is `ask` for the page with two buttons, `yes` or `no` for a click without the page.
    """

    def __init__(self, folder: Any) -> None:
        self.consent = "yes"
        self.lifetime = 8 * 3600
        self.latency = 0.0
        self.posts: list[str] = []
        self.replays = 0
        self.tokens: list[Token] = []
        self._codes: dict[str, Code] = {}
        self._lock = threading.Lock()
        authority = trustme.CA()
        self.ca = str(folder / "ca.pem")
        authority.cert_pem.write_to_path(self.ca)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        self._server = make_server(
            "127.0.0.1", 0, self._app(), threaded=True, ssl_context=context, request_handler=_Quiet
        )
        self.base_url = f"https://localhost:{self._server.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def live(self) -> list[Token]:
        """The pairs that are still valid."""
        return [token for token in self.tokens if not token.revoked]

    def revoke_family(self, family: int) -> None:
        for token in self.tokens:
            if token.family == family:
                token.revoked = True

    def metadata(self) -> dict[str, object]:
        """Return the metadata of RFC 8414."""
        paths = {"authorization": "/o/authorize", "token": "/o/token", "revocation": "/o/revoke"}
        document = AuthorizationServerMetadata(
            {
                "issuer": self.base_url,
                **{f"{name}_endpoint": self.base_url + path for name, path in paths.items()},
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "revocation_endpoint_auth_methods_supported": ["none"],
            }
        )
        document.validate()
        return dict(document)

    def _app(self) -> Flask:
        app = Flask("instance")
        app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
        server = AuthorizationServer(app, lambda _: Client(), self._save)
        instance = self

        class CodeGrant(grants.AuthorizationCodeGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = ["none"]

            def save_authorization_code(self, code: str, request: Any) -> None:
                data = request.payload.data
                instance._codes[code] = Code(
                    code,
                    request.payload.redirect_uri,
                    request.payload.scope,
                    data.get("code_challenge"),
                    data.get("code_challenge_method"),
                )

            def query_authorization_code(self, code: str, client: Client) -> Code | None:
                return instance._codes.get(code)

            def delete_authorization_code(self, authorization_code: Code) -> None:
                instance._codes.pop(authorization_code.code, None)

            def authenticate_user(self, authorization_code: Code) -> User:
                return User()

        class RefreshGrant(grants.RefreshTokenGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = ["none"]
            INCLUDE_NEW_REFRESH_TOKEN = True

            def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
                with instance._lock:
                    found = next((t for t in instance.tokens if t.refresh_token == refresh_token), None)
                    if found is not None and found.spent:
                        instance.replays += 1
                        instance.revoke_family(found.family)
                    return None if found is None or found.revoked else found

            def authenticate_user(self, refresh_token: Token) -> User:
                return User()

            def revoke_old_credential(self, refresh_token: Token) -> None:
                refresh_token.spent = True

        class Revocation(RevocationEndpoint):
            CLIENT_AUTH_METHODS = ["none"]

            def query_token(self, token_string: str, token_type_hint: str) -> Token | None:
                return next((t for t in instance.tokens if token_string in (t.access_token, t.refresh_token)), None)

            def revoke_token(self, token: Token, request: Any) -> None:
                instance.posts.append(f"revoke {request.form.get('token_type_hint')}")
                token.revoked = True

        server.register_grant(CodeGrant, [S256(required=True)])
        server.register_grant(RefreshGrant)
        server.register_endpoint(Revocation)

        @app.get("/.well-known/oauth-authorization-server")
        def metadata() -> dict[str, object]:
            return instance.metadata()

        @app.get("/o/authorize")
        def authorize() -> Any:
            if instance.consent == "ask":
                return CONSENT.format(query=request.query_string.decode().replace("&", "&amp;"))
            user = User() if instance.consent == "yes" else None
            return server.create_authorization_response(
                grant_user=user, grant=server.get_consent_grant(end_user=User())
            )

        @app.post("/consent")
        def consent() -> Any:
            answer = request.form.get("go")
            instance.consent = str(answer)
            return redirect(f"/o/authorize?{request.query_string.decode()}", 303)

        @app.post("/o/token")
        def token() -> Any:
            instance.posts.append(request.form.get("grant_type", ""))
            time.sleep(instance.latency)
            return server.create_token_response()

        @app.post("/o/revoke")
        def revoke() -> Any:
            return server.create_endpoint_response("revocation")

        @app.get("/api/v1/whoami")
        def whoami() -> Any:
            bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
            found = next((t for t in instance.live if t.access_token == bearer and not t.is_expired()), None)
            if found is None:
                return Response('{"detail": "Unauthorized"}', 401, content_type="application/json")
            return {"keyScope": "user", "orgRole": "MEMBER", "user": {"id": User.id, "membershipId": "m-7"}}

        return app

    def _save(self, token: dict[str, Any], request: Any) -> None:
        old = getattr(request, "refresh_token", None)
        family = old.family if old is not None else secrets.randbits(60)
        with self._lock:
            token["expires_in"] = self.lifetime
            self.tokens.append(
                Token(family, token["access_token"], token["refresh_token"], token["scope"], token["expires_in"])
            )


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Say nothing."""
