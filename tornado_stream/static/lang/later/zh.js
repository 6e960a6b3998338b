export default {
  "setup": {
    "copy": "复制"
  },

  "composer": {
    "send": "发送"
  },

  "waiting": {
    "label": "等待中的问题",
    "waits": "等待当前回答结束。",
    "held": "前面的回答没有完成，此问题等待您处理。",
    "edit": "编辑",
    "back": "撤回"
  },

  "message": {
    "showAll": "显示全部（{n} 个字符）",
    "showLess": "收起",
    "picture": "图片",
    "part": "部分：{what}",
    "fromSystem": "系统提示词",
    "fromDeveloper": "开发者消息",
    "fromAssistant": "助手",
    "fromTool": "工具结果"
  },

  "wait": {
    "model": "已等待模型 {seconds}…",
    "silent": "模型已有 {seconds}没有输出…",
    "network": "请检查网络：已有 {seconds}没有收到服务器的数据…",
    "offline": "此设备已离线。回答仍在服务器上继续生成。",
    "offlineUnsent": "此设备处于离线状态。您的问题保存在这里，网络恢复后会发送。",
    "proxy": "有代理在缓冲此回答，页面正在分段获取文字…"
  },

  "proxyHint": {
    "title": "如何修复代理",
    "why": "{proxy} 会扣留回答，直到回答完成。",
    "unknown": "某个代理",
    "nginx": "nginx：把这一行写进通向服务器的 location，或在那里删除 proxy_ignore_headers X-Accel-Buffering。",
    "nginxCopy": "复制 nginx 的配置行",
    "caddy": "Caddy：把这一行写进 reverse_proxy 块。",
    "caddyCopy": "复制 Caddy 的配置行"
  },

  "edit": {
    "label": "编辑您的问题",
    "save": "保存",
    "cancel": "取消"
  },

  "details": {
    "replay": "按生成时的速度重播",
    "ms": "{n} 毫秒",
    "model": "模型",
    "upstream": "回答者",
    "cost": "费用",
    "whole": "整个对话",
    "tokens": "{n} 个 token",
    "first": "首个 token 用时",
    "total": "总用时",
    "rate": "每秒 token 数",
    "output": "输出 token",
    "reasoning": "其中用于思考",
    "input": "输入 token",
    "unknown": "未报告",
    "finish": "结束原因",
    "written": "写于",
    "about": "≈ 表示根据文本的估计值，因为模型服务器没有计算 token 数。四个字符约一个 token，中日韩文字每字约一个。"
  },

  "list": {
    "rename": "“{title}”的新标题",
    "renamed": "已重命名"
  },

  "trash": {
    "region": "已删除的对话",
    "deleted": "已删除“{title}”",
    "undo": "撤销",
    "undoOf": "撤销：恢复“{title}”",
    "close": "关闭",
    "said": "已删除“{title}”。按 {keys} 可撤销。",
    "keys": "Ctrl+Z",
    "restored": "已恢复“{title}”",
    "failed": "“{title}”未能删除。"
  },

  "markdown": {
    "preview": "预览",
    "refused": "无法预览：{reason}"
  },

  "model": {
    "title": "模型",
    "pick": "选择模型",
    "filter": "搜索，或输入模型名称",
    "other": "使用“{name}”",
    "default": "默认",
    "missing": "“{name}”已不再可用，将改用默认模型。",
    "about": "使用自己的模型…",
    "close": "关闭",
    "context": "{n}k token",
    "canSee": "图像",
    "canCall": "工具",
    "canThink": "推理",
    "demoShort": "在本机运行的小型演示模型，常常弄错事实。"
  },

  "panel": {
    "title": "回答的设置",
    "system": "系统提示词",
    "systemHint": "模型会先读取这段内容。它只属于此对话。",
    "parameters": "参数",
    "parametersHint": "适用于此浏览器中的所有对话。留空的不会发送，由模型使用自己的值。有些模型不接受其中某些参数。",
    "temperatureHint": "用词的随机程度：0 最小，2 最大。",
    "topPHint": "模型只在累计概率达到此值的最可能的词中选择：0 到 1。",
    "maxTokensHint": "回答的最大长度（词元数）。",
    "effortHint": "推理模型思考的多少。",
    "unset": "未设置",
    "notNumber": "这不是数字。",
    "notWhole": "请输入整数。",
    "outOfRange": "请输入 {least} 到 {most} 之间的数字。",
    "systemTooLong": "系统提示词太长：最多 1 MB。",
    "beginning": "第一个问题还在发送途中，请稍后再保存。",
    "save": "保存",
    "cancel": "取消",
    "reset": "重置参数"
  },

  "shortcuts": {
    "title": "键盘快捷键",
    "or": "或",
    "single": "使用不带 Ctrl 或 Alt 的按键（/ 和 ?）",
    "ctrl": "Ctrl",
    "shift": "Shift",
    "enter": "Enter"
  }
};
