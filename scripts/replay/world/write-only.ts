import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from "kafkajs";
import type { BrokerOptions } from "../../drivers/kafka/broker.ts";

/**
 * A broker on which an edge has the one permission that it needs: WRITE on its topic. It may not look at what is there.
 * Everybody else comes through the internal listener, which asks nobody who he is.
 */
export const writeOnlyBroker = {
  protocol: "SASL_PLAINTEXT",
  users: { edge: "edge-secret" },
  properties: {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
  },
} as const satisfies BrokerOptions;

/** How such an edge says who it is. */
export const writeOnlySasl = { mechanism: "plain", username: "edge", password: "edge-secret" };

/** Grants it WRITE on a topic. */
export async function allowToWrite(address: string, topic: string): Promise<void> {
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createAcls({
    acl: [
      {
        resourceType: AclResourceTypes.TOPIC,
        resourceName: topic,
        resourcePatternType: ResourcePatternTypes.LITERAL,
        principal: "User:edge",
        host: "*",
        operation: AclOperationTypes.WRITE,
        permissionType: AclPermissionTypes.ALLOW,
      },
    ],
  });
  await admin.disconnect();
}
