import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;
import org.opensearch.transport.Netty4Plugin;

/** One node in this process: the jars from Maven bring no program of their own. Arguments: its folder, its two ports. */
public class OpenSearchNode extends Node {
  OpenSearchNode(Environment environment, Collection<Class<? extends Plugin>> plugins) {
    super(environment, plugins, true);
  }

  public static void main(String[] words) throws Exception {
    var settings =
        Settings.builder()
            .put("path.home", words[0])
            .put("http.port", words[1])
            .put("transport.port", words[2])
            .put("network.host", "127.0.0.1")
            .put("discovery.type", "single-node")
            .put("node.name", "n")
            .put("http.type", "netty4")
            .put("transport.type", "netty4")
            .build();
    var config = Path.of(words[0] + "/config");
    var environment =
        InternalSettingsPreparer.prepareEnvironment(settings, Collections.emptyMap(), config, () -> "n");
    new OpenSearchNode(environment, List.of(Netty4Plugin.class)).start();
    System.out.println("READY");
    Thread.currentThread().join();
  }
}
