import ModelZoo

extension AnyImageModel: TrainableModel {}
extension VGG: TrainableModel {}
extension ViT: TrainableModel {}
