"""Print ECR's password, with as few lines of boto3 as possible: the SDK's own cost."""

import base64

import boto3

client = boto3.client("ecr", region_name="eu-west-1")
answer = client.get_authorization_token(registryIds=["123456789012"])
token = base64.b64decode(answer["authorizationData"][0]["authorizationToken"])
print(token.decode().partition(":")[2])
