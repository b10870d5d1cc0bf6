"""Which hosts are a GitLab's: GitLab's own, compared as a whole, and named ones."""

from __future__ import annotations

import pytest

from dockcred.providers.gitlab import hosts

OWN = {
    "registry.gitlab.com": "gitlab.com",
    "gitlab.com": "gitlab.com",
    "registry.acme.gitlab-dedicated.com": "acme.gitlab-dedicated.com",
    "acme.gitlab-dedicated.com": "acme.gitlab-dedicated.com",
}
LOOK_ALIKES = (
    *("evilgitlab.com", "registry.evilgitlab.com", "registry-gitlab.com"),
    *("x.gitlab.com", "x.registry.gitlab.com", "registry.registry.gitlab.com"),
    *("gitlab.com.example.com", "registry.gitlab.com.example.com", "gitlab.co"),
    *("gitlab-dedicated.com", "registry.gitlab-dedicated.com"),
    *("a.b.gitlab-dedicated.com", "registry.a.b.gitlab-dedicated.com"),
    *(
        "evil-gitlab-dedicated.com",
        "a.evilgitlab-dedicated.com",
        "com",
        "registry.",
        "",
    ),
)


@pytest.mark.parametrize("host", OWN)
def test_gitlabs_own_hosts_have_their_gitlab(host):
    assert hosts.owner(host) == OWN[host]


@pytest.mark.parametrize("host", LOOK_ALIKES)
def test_a_look_alike_is_nobodys(host):
    assert hosts.owner(host) == ""


def test_a_variable_names_a_gitlab_and_its_registry():
    found = hosts.read(
        "GitLab.example.com, images.example.com:5000=git.example.com:3443"
    )
    assert found == {
        "registry.gitlab.example.com": "gitlab.example.com",
        "gitlab.example.com": "gitlab.example.com",
        "images.example.com:5000": "git.example.com:3443",
    }
