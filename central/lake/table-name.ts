/** The one table of the lake, and its folder in the lake's directory. */
export const tableName = "events";

/** What it is in, for those who ask the catalog. */
export const namespaceName = "tailgate";
