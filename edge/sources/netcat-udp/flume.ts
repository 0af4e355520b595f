import { asText, type FlumeMapping } from "../../core/flume-mapping.ts";
import { listensOn } from "../../listeners/flume-listener.ts";

const netcatUdp: FlumeMapping = {
  names: ["netcatudp", "org.apache.flume.source.NetcatUdpSource"],
  keys: {
    bind: { by: "`address`" },
    port: { by: "`address`" },
    remoteAddressHeader: { to: "clientIpHeader", as: asText },
  },
  headers: (draft) => {
    const name = draft.get("clientIpHeader");
    return typeof name === "string" ? [name] : [];
  },
  finish: (draft) => listensOn(draft),
};

/** For `defineSource`. */
export const mappings: readonly FlumeMapping[] = [netcatUdp];
