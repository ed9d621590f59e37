"""The page: GET shows, POST acts."""
