import ResNetV2

@testable import Reports

/// Keras' names of the layers of a ResNet50 or ResNet50V2, by the rules of its source.
enum KerasNames {
  static func style(for graph: Graph, version: Int) -> SummaryStyle {
    var names = ["input": "input_layer", "stem.conv": "conv1_conv", "stem.pool": "pool1_pool"]
    names["stem.norm"] = "conv1_bn"
    names["stem.relu"] = "conv1_relu"
    names["final.norm"] = "post_bn"
    names["final.relu"] = "post_relu"
    names["head.pool"] = "avg_pool"
    names["head.softmax"] = "predictions"
    var paddings = [
      SummaryStyle.Padding(name: "conv1_pad", node: "stem.conv"),
      SummaryStyle.Padding(name: "pool1_pad", node: "stem.pool"),
    ]
    for node in graph.nodes {
      guard case .stage(let stage, let number, _) = node.place else { continue }
      let block = "conv\(stage + 1)_block\(number)"
      let suffix = version == 2 ? second[node.nameInBlock] : first[node.nameInBlock]
      if node.nameInBlock == "shortcut.subsample" {
        names[node.name] = "max_pooling2d"
      } else if let suffix {
        names[node.name] = "\(block)_\(suffix)"
      }
      if version == 2, node.nameInBlock == "conv2" {
        paddings.append(.init(name: "\(block)_2_pad", node: node.name))
      }
    }
    return .keras(names: names, paddings: paddings)
  }

  private static let first = [
    "shortcut.conv": "0_conv", "shortcut.norm": "0_bn", "conv1": "1_conv", "norm1": "1_bn",
    "relu1": "1_relu", "conv2": "2_conv", "norm2": "2_bn", "relu2": "2_relu", "conv3": "3_conv",
    "norm3": "3_bn", "add": "add", "relu": "out",
  ]

  private static let second = [
    "norm1": "preact_bn", "relu1": "preact_relu", "shortcut.conv": "0_conv", "conv1": "1_conv",
    "norm2": "1_bn", "relu2": "1_relu", "conv2": "2_conv", "norm3": "2_bn", "relu3": "2_relu",
    "conv3": "3_conv", "add": "out",
  ]
}
