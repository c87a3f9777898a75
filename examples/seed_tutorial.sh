#!/usr/bin/env bash
# The calls of Adobe's tutorial "Creating a streaming connection using the API", against Forebay.
# Nothing but the host names is changed. Before it, in the same shell:
#
#   eval "$(forebay credentials --format env)"
set -euo pipefail

PLATFORM=$FOREBAY_PLATFORM_URL
IMS_ORG=$FOREBAY_ORG_ID
API_KEY=$FOREBAY_CLIENT_ID
SANDBOX_NAME=$FOREBAY_SANDBOX

# Bodies come on one line, so a pattern is enough to read a member.
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

echo "== an access token"
ACCESS_TOKEN=$(curl -sS -X POST "$FOREBAY_IMS_URL/ims/token/v3" \
    -d grant_type=client_credentials \
    -d "client_id=$API_KEY" \
    -d "client_secret=$FOREBAY_CLIENT_SECRET" \
    -d "scope=$FOREBAY_SCOPES" | member access_token)
echo "${ACCESS_TOKEN:0:20}…"

platform() {
    curl -sS "$@" \
        -H "Authorization: Bearer $ACCESS_TOKEN" \
        -H "x-gw-ims-org-id: $IMS_ORG" \
        -H "x-api-key: $API_KEY" \
        -H "x-sandbox-name: $SANDBOX_NAME"
}

echo "== a non-authenticated connection"
CREATED=$(platform -X POST "$PLATFORM/data/foundation/flowservice/connections" \
    -H 'Content-Type: application/json' \
    -d '{
     "name": "Sample streaming connection",
     "providerId": "521eee4d-8cbe-4906-bb48-fb6bd4450033",
     "description": "Sample description",
     "connectionSpec": {
         "id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb",
         "version": "1.0"
     },
     "auth": {
         "specName": "Streaming Connection",
         "params": {
             "sourceId": "Sample connection",
             "dataType": "xdm",
             "name": "Sample connection"
         }
     }
 }')
echo "$CREATED"
CONNECTION_ID=$(echo "$CREATED" | member id)

echo "== an authenticated connection"
CREATED=$(platform -X POST "$PLATFORM/data/foundation/flowservice/connections" \
    -H 'Content-Type: application/json' \
    -d '{
     "name": "Sample streaming connection",
     "providerId": "521eee4d-8cbe-4906-bb48-fb6bd4450033",
     "description": "Sample description",
     "connectionSpec": {
         "id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb",
         "version": "1.0"
     },
     "auth": {
         "specName": "Streaming Connection",
         "params": {
             "sourceId": "Sample connection",
             "dataType": "xdm",
             "name": "Sample connection",
             "authenticationRequired": true
         }
     }
 }')
echo "$CREATED"
AUTHENTICATED_ID=$(echo "$CREATED" | member id)

echo "== the streaming endpoint URL"
platform "$PLATFORM/data/foundation/flowservice/connections/$CONNECTION_ID"
echo

echo "== a message to the authenticated connection, without a token"
INLET_URL=$(platform "$PLATFORM/data/foundation/flowservice/connections/$AUTHENTICATED_ID" | member inletUrl)
curl -sS -i -X POST "$INLET_URL" -H 'Content-Type: application/json' -d '{}'
echo
