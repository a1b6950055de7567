/// Networks that are often tried and are none of the families, by parts of names that only they have.
enum OtherNetworks {
  private static let known: [(part: String, title: String)] = [
    ("relative_position_bias_table", "a Swin Transformer"),
    ("cls_token", "a Vision Transformer"),
    (".attn.qkv.", "a Vision Transformer"),
    ("word_embeddings", "a network for text"),
    ("denseblock1", "a DenseNet"),
    ("Mixed_5b", "an Inception network"),
    ("_depthwise_conv", "an EfficientNet"),
    ("conv_dw.", "an EfficientNet or MobileNet"),
    ("expanded_conv", "a MobileNet"),
    ("trunk_output", "a RegNet"),
    ("dwconv", "a ConvNeXt"),
    ("conv_dw_1", "a MobileNet"),
    ("layer1.0.se.", "a ResNet with squeeze and excitation"),
    ("block1_conv1", "a VGG network"),
  ]

  /// What a file holds whose tensors have these names, where it is known.
  static func title(of names: some Collection<String>) -> String? {
    known.first { entry in names.contains { $0.contains(entry.part) } }?.title
  }
}
