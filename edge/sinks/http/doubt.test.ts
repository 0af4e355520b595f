import { doubtContract } from "../../testing/contracts/doubt.contract.ts";
import definition from "./index.ts";

doubtContract("http", definition);
