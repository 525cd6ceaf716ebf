"""A schedule on a host of repositories: which months to run, the pull request that offers one, the site."""
