"""From a cohort folder to one offline HTML file: run the notebooks, then render them."""
