import { asText, type FlumeDraft, type FlumeMapping } from "../../core/flume-mapping.ts";

const passThrough = ["default", "org.apache.flume.interceptor.regexextractorinterceptorpassthroughserializer"];

const extractor: FlumeMapping = {
  names: ["regex_extractor", "org.apache.flume.interceptor.RegexExtractorInterceptor"],
  keys: {
    regex: { to: "pattern", as: asText },
    serializers: { by: "`groups`" },
    "serializers.*": { by: "`groups`: the header's name; the type `default`" },
  },
  differences: [
    "Of Flume's serializers the pass-through one is carried; `RegexExtractorInterceptorMillisSerializer` is refused.",
  ],
  headers: (draft) => {
    const groups = draft.get("groups");
    return Array.isArray(groups) ? groups.map(String) : [];
  },
  finish,
};

/** For `defineInterceptor`. */
export const mappings: readonly FlumeMapping[] = [extractor];

function finish(draft: FlumeDraft): void {
  const names = draft.value("serializers")?.text.split(/\s+/) ?? [];
  if (names.length === 0) {
    draft.refuse("regex", "names no serializers; Flume does not start such an interceptor");
    return;
  }
  const described = draft.below("serializers.");
  const groups = names.flatMap((name) => {
    const type = described.get(`${name}.type`)?.text ?? "default";
    if (!passThrough.includes(type.toLowerCase())) {
      draft.refuse(`serializers.${name}.type`, `the serializer "${type}" is not carried yet`);
      return [];
    }
    const header = described.get(`${name}.name`);
    if (header !== undefined) return [header.written];
    draft.refuse("serializers", `the serializer "${name}" has no name for its header`);
    return [];
  });
  if (groups.length > 0) draft.set("groups", groups, "serializers");
}
