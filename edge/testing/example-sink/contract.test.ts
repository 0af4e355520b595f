import { recordSinkContract } from "../contracts/record-sink.contract.ts";
import { PostWorld } from "./post-world.ts";

recordSinkContract("example_post", async () => new PostWorld());
