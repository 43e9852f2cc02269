"""What a campaign came to: figures for the page and the report, and every lead as a file."""

from apps.campaigns.results.file import from_file, results_filename, write_results, write_workbook

__all__ = ["from_file", "results_filename", "write_results", "write_workbook"]
